// Data quality: where every raw message went, by the last `adclick verify`, and the letters that are dead.

import { $, el, render, say } from "./dom.js";
import { age, count, percent } from "./format.js";

const TONES = {
  counted: "good", matched: "good", pending: "wait", duplicate: "plain", conflict: "bad", late: "warn",
  malformed: "bad", orphan: "warn", expired: "plain", before_impression: "warn",
};

export function showQuality(picture) {
  const { quality, verify } = picture;
  say($("quality-note"), verify ? `ledger of adclick verify, ${age(picture.now - verify.at)} ago` : "");
  render($("quality"), [quality, verify], () => [
    ...(quality.ledger ? Object.entries(quality.ledger).map(([topic, classes]) => ledger(topic, classes)) : [unchecked()]),
    el("dl", { class: "facts" }, ...facts(quality), ...(verify ? checked(verify) : [])),
  ]);
}

function unchecked() {
  return el("p", { class: "empty" }, "Orphans, duplicates and late events are counted by ", el("code", {}, "adclick verify"), ", which has not run yet.");
}

function ledger(topic, classes) {
  const { raw, ...parts } = classes;
  const found = Object.entries(parts).filter(([, messages]) => messages > 0);
  return el(
    "div",
    { class: "ledger" },
    el("h3", {}, `${topic[0].toUpperCase()}${topic.slice(1)} `, el("span", { class: "dim" }, count(raw))),
    el("div", { class: "stack", "aria-hidden": "true" }, found.map(([name, messages]) => el("span", { class: `part ${TONES[name] ?? "plain"}`, style: { "flex-grow": String(messages) } }))),
    el(
      "ul",
      { class: "classes" },
      found.map(([name, messages]) =>
        el("li", {}, el("span", { class: `dot ${TONES[name] ?? "plain"}`, "aria-hidden": "true" }), `${name.replaceAll("_", " ")} `, el("strong", {}, count(messages)), el("span", { class: "dim" }, ` ${share(messages / raw)}`)),
      ),
    ),
  );
}

function share(part) {
  return part > 0 && part < 0.0005 ? "< 0.1 %" : percent(part, 1);
}

function facts(quality) {
  const { dead, unreadable } = quality;
  const found = [el("dt", {}, "Dead letters")];
  if (dead === null) found.push(el("dd", { class: "dim" }, "no such topic"));
  else {
    const reasons = Object.entries(dead.reasons).sort((one, other) => other[1] - one[1]);
    found.push(el("dd", {}, el("strong", {}, `${dead.at_least ? "about " : ""}${count(dead.total)}`), reasons.map(([name, messages]) => el("span", { class: "tag" }, `${name} ${count(messages)}`))));
  }
  if (unreadable) found.push(el("dt", {}, "Not a result row"), el("dd", {}, el("strong", {}, count(unreadable)), " messages in the result topics"));
  return found;
}

function checked(verify) {
  return Object.entries(verify.results).flatMap(([name, found]) => {
    const wrong = found.missing + found.unexpected + found.different;
    return [
      el("dt", {}, name),
      el("dd", {}, el("strong", { class: wrong ? "drop-ink" : "good-ink" }, wrong ? `${count(wrong)} wrong` : "✓"), ` ${count(found.compared)} rows compared`, found.pending ? `, ${count(found.pending)} pending` : ""),
    ];
  });
}
