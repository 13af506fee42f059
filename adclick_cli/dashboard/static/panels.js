// The panels around the plots.

import { $, el, render, say } from "./dom.js";
import { count, dated, moment, percent, ratio, z } from "./format.js";
import { sparkline } from "./sparkline.js";
import { badge } from "./tip.js";

const LANES = {
  EARLY: "Raised by the early lane; the final window will confirm or withdraw it.",
  CONFIRMED: "Raised by the early lane and by the final window.",
  WITHDRAWN: "Raised by the early lane; the final window does not raise it.",
};

export function showFigures(picture) {
  const { total, axis, alerts, campaigns } = picture;
  const at = campaigns.start === null ? -1 : axis.indexOf(campaigns.start);
  const [shown, clicked] = [total.impressions[at] ?? null, total.clicks[at] ?? null];
  const [shownBefore, clickedBefore] = [total.impressions[at - 1] ?? null, total.clicks[at - 1] ?? null];
  const rate = shown ? clicked / shown : null;
  const before = shownBefore ? clickedBefore / shownBefore : null;
  const figures = [
    { name: "CTR", value: percent(rate), note: change(rate, before) },
    { name: "Impressions", value: count(shown), note: change(shown, shownBefore) },
    { name: "Clicks", value: count(clicked), note: change(clicked, clickedBefore) },
    { name: "Alerts", value: count(alerts.marks.length), note: `in the ${axis.length} windows shown` },
    { name: "Campaigns", value: count(campaigns.known), note: campaigns.limit ? `only the newest ${count(campaigns.limit)} are kept` : "with a window kept" },
  ];
  const window = at < 0 ? null : { start: dated(campaigns.start, picture.now), end: moment(campaigns.start + picture.windows.length), state: total.state[at] };
  render($("figures"), [figures, window], () => [
    ...figures.map((one) =>
      el("div", { class: "figure" }, el("span", { class: "figure-name" }, one.name), el("span", { class: "figure-value" }, one.value), el("span", { class: "note" }, one.note)),
    ),
    el(
      "div",
      { class: "figure" },
      el("span", { class: "figure-name" }, "Window compared"),
      el("span", { class: "figure-value small" }, window ? `${window.start} – ${window.end}` : "–"),
      el("span", { class: "note" }, window?.state ? badge(window.state) : null),
    ),
  ]);
}

function change(value, before) {
  if (value === null || !before) return "";
  const part = Math.round((value / before - 1) * 1000) / 10;
  return `${part > 0 ? "+" : part < 0 ? "−" : "±"}${Math.abs(part).toFixed(1)}\u00a0% on the window before`;
}

export function showLegend(picture, wishes, toggle) {
  const names = picture.curves.map((curve) => curve.name);
  render($("legend"), [names, picture.auto, document.documentElement.dataset.theme ?? ""], () => [
    ...names.map((name, index) =>
      el(
        "button",
        { type: "button", class: "legend-item", "data-focus": `legend:${name}`, "aria-label": `Leave out ${name}`, on: { click: () => toggle(name) } },
        el("span", { class: "key", style: { background: `var(--curve-${index})` } }),
        el("span", { class: "legend-name" }, name),
        el("span", { class: "dim", "aria-hidden": "true" }, "×"),
      ),
    ),
    picture.auto
      ? el("span", { class: "note" }, names.length ? "Chosen for you: alerts first, then the largest. Pick others in the table." : "")
      : el("button", { type: "button", class: "quiet", "data-focus": "legend-auto", on: { click: () => wishes.set({ picks: null }) } }, "Choose for me"),
    el("span", { class: "legend-alerts note" }, el("span", { class: "spike-ink" }, "▲"), " SPIKE ", el("span", { class: "drop-ink" }, "▼"), " DROP"),
  ]);
}

export function showMovers(picture, toggle) {
  const { movers, campaigns } = picture;
  say($("movers-note"), campaigns.start === null ? "" : `${moment(campaigns.start)} against the window before`);
  const row = (one) =>
    el(
      "li",
      {},
      el("button", { type: "button", class: "link", title: one.name, "data-focus": `mover:${one.name}`, on: { click: () => toggle(one.name) } }, one.name),
      el("span", { class: "from-to" }, `${percent(one.before, 1)} → `, el("strong", {}, percent(one.ctr, 1))),
      el("span", { class: `pill ${Math.abs(one.z) < 2 ? "dim" : one.z > 0 ? "up" : "down"}`, title: Math.abs(one.z) < 2 ? "Within chance" : "More than two standard errors apart" }, `${one.z > 0 ? "▲" : "▼"} ${ratio(one.change)}`),
      el("span", { class: "dim mono" }, `z ${z(one.z)}`),
    );
  render($("movers"), movers, () => {
    if (!movers.compared) return el("p", { class: "empty" }, "Nothing to compare yet: two windows in a row are needed.");
    if (!movers.up.length && !movers.down.length) return el("p", { class: "empty" }, "Nothing moved: every change is within one standard error.");
    return [["Up", movers.up], ["Down", movers.down]]
      .filter(([, rows]) => rows.length)
      .map(([name, rows]) => el("div", {}, el("h3", {}, name), el("ul", { class: "movers" }, rows.map(row))));
  });
}

export function showDevices(picture) {
  const { devices } = picture;
  say($("devices-note"), devices.start === null ? "" : `window ${moment(devices.start)}`);
  const all = devices.rows.reduce((sum, one) => sum + (one.impressions ?? 0), 0);
  render($("devices"), devices, () => {
    if (!devices.rows.length) return el("p", { class: "empty" }, "No engagement rows yet.");
    return el(
      "ul",
      { class: "devices" },
      devices.rows.map((one) =>
        el(
          "li",
          {},
          el("span", { class: "device-name", title: one.name }, one.name),
          el("span", { class: "meter" }, el("span", { class: "meter-fill", style: { width: all ? `${((one.impressions ?? 0) / all) * 100}%` : "0" } })),
          el("span", { class: "num" }, all ? percent((one.impressions ?? 0) / all, 0) : "–"),
          el("span", { class: "device-more" }, `${count(one.impressions)} shown, ${count(one.clicks)} clicked`),
          sparkline(one.history),
          el("span", { class: "num", title: one.band ? `${percent(one.band[0])} to ${percent(one.band[1])}` : "" }, el("strong", {}, percent(one.ctr))),
        ),
      ),
    );
  });
}

const HEADINGS = { impression_count: "Impressions", click_count: "Clicks" };

// What adclick.toml declares. Numbers come as texts: a decimal has more digits than JavaScript's numbers.
export function showDeclared(picture) {
  render($("declared"), picture.declared, () =>
    picture.declared.map((one) =>
      el(
        "section",
        { class: "card", "aria-label": `Result ${one.name}` },
        el(
          "div",
          { class: "head" },
          el("h2", {}, one.name),
          el("p", { class: "note" }, one.groups > one.rows.length ? `${one.rows.length} of ${count(one.groups)} groups` : ""),
        ),
        el(
          "div",
          { class: "table-wrap", tabindex: "0", role: "group", "aria-label": `Rows of ${one.name}` },
          el(
            "table",
            {},
            el(
              "thead",
              {},
              el("tr", {}, [one.by.join(" · "), "Window", ...one.metrics.map((name) => HEADINGS[name] ?? name), "State"].map((name) => el("th", { scope: "col" }, name))),
            ),
            el(
              "tbody",
              {},
              one.rows.map((row) =>
                el(
                  "tr",
                  {},
                  el("td", {}, row.name),
                  el("td", { class: "mono" }, moment(row.start)),
                  ...row.values.map((value) => el("td", { class: "num" }, value ?? "–")),
                  el("td", {}, badge(row.state)),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

export function showAlerts(picture, toggle) {
  const { alerts } = picture;
  say($("alerts-note"), alerts.total > alerts.rows.length ? `newest ${alerts.rows.length} of ${alerts.at_least ? "at least " : ""}${count(alerts.total)}` : `${count(alerts.total)} in all`);
  render($("alerts"), [alerts.rows, Math.floor(picture.now / 86400000)], () => {
    if (!alerts.rows.length) return el("p", { class: "empty" }, "No alert so far: no window differs enough from the one before it.");
    return el(
      "ol",
      { class: "alerts" },
      alerts.rows.map((one) =>
        el(
          "li",
          one.state === "WITHDRAWN" ? { class: "withdrawn" } : {},
          el("time", { datetime: new Date(one.time).toISOString(), class: "mono" }, dated(one.time, picture.now)),
          el("span", { class: `pill ${one.type === "SPIKE" ? "up" : "down"}` }, `${one.type === "SPIKE" ? "▲" : "▼"} ${one.type}`),
          el("button", { type: "button", class: "link", title: one.name, "data-focus": `alert:${one.time}:${one.name}`, on: { click: () => toggle(one.name) } }, one.name),
          el("span", { class: "from-to" }, `${percent(one.before, 1)} → `, el("strong", {}, percent(one.ctr, 1))),
          el("span", { class: "dim mono" }, `z ${z(one.z)}`),
          one.state === "FINAL" ? "" : el("span", { class: "dim lane", title: LANES[one.state] ?? "" }, one.state.toLowerCase()),
        ),
      ),
    );
  });
}

