// Whether what is shown can be trusted: the broker, the age of the rows, the last check; and what to do where it cannot.

import { $, el, render } from "./dom.js";
import { age, clockSeconds, moment } from "./format.js";

export function showChips(picture, now) {
  const { source, freshness, verify } = picture;
  const chips = [
    chip(source.state === "connected" ? "good" : "bad", "Broker", { connected: source.servers, connecting: "connecting …", gone: "gone" }[source.state]),
    lane("Live", freshness.live, now),
    lane("Final", freshness.final, now),
    verify ? chip(verify.ok ? "good" : "bad", "Verify", `${verify.ok ? "no differences" : `${verify.wrong} differences`}, ${age(now - verify.at)} ago`) : chip("none", "Verify", "not run yet"),
  ];
  render($("chips"), chips, () => chips.map(({ tone, name, text, hint }) => el("li", { class: `chip ${tone}`, title: hint }, el("span", { class: "dot", "aria-hidden": "true" }), el("span", { class: "chip-name" }, name), ` ${text}`)));
}

function chip(tone, name, text, hint) {
  return { tone, name, text, hint };
}

function lane(name, found, now) {
  if (found.written === null) return chip("none", name, "no rows yet");
  const old = age(now - found.written);
  const upto = found.window === null ? "" : `, window ${moment(found.window)}`;
  return chip("plain", name, `row ${old} old${upto}`, `Newest row written at ${clockSeconds(found.written)} UTC`);
}

export function showNotice(picture, lost, now) {
  const notice = $("notice");
  const told = reason(picture, lost, now);
  notice.hidden = told === null;
  if (told === null) return;
  notice.className = `notice ${told.tone}`;
  render(notice, told, () => [
    el("strong", {}, told.what),
    el("span", {}, ` ${told.more}`),
    told.command ? el("span", {}, " Next: ", el("code", {}, told.command)) : null,
  ]);
}

function reason(picture, lost, now) {
  if (lost) return { tone: "bad", what: "This page has lost its server.", more: "Trying again every few seconds. Does `adclick dashboard` still run?" };
  const { source, axis } = picture;
  const rows = axis.length ? "What you see is as it was then; " : "";
  if (source.state === "gone") {
    return { tone: "bad", what: `The broker at ${source.servers} has not answered for ${age(now - source.since)}.`, more: `${rows || "It "}is read anew as soon as it is back. ${source.why}`, command: "adclick up" };
  }
  if (source.state === "connecting") return { tone: "plain", what: `Connecting to ${source.servers} …`, more: "" };
  if (!axis.length) {
    const missing = Object.entries(source.topics).filter(([, there]) => !there).map(([name]) => name);
    const topics = missing.length ? `Topics that are not there yet: ${missing.join(", ")}.` : "";
    return { tone: "plain", what: "No results yet.", more: [source.nothing?.why ?? "", topics].filter(Boolean).join(" "), command: source.nothing?.command };
  }
  return null;
}
