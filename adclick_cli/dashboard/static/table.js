// The campaigns' table, its filters, and how far back the plots reach.

import { $, el, render, say } from "./dom.js";
import { count, dated, moment, percent, ratio, z } from "./format.js";
import { sparkline } from "./sparkline.js";
import { badge } from "./tip.js";
import { MAX_CURVES } from "./wishes.js";

const RANGES = [15, 30, 60, 120, 240, 480, 1440];
const TYPING_MS = 250;

export function startFilters(wishes) {
  const [find, sort, top] = [$("find"), $("sort"), $("top")];
  const show = () => {
    if (document.activeElement !== find) find.value = wishes.find;
    sort.value = wishes.sort;
    top.value = wishes.top;
  };
  let timer = 0;
  find.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => wishes.set({ find: find.value }), TYPING_MS);
  });
  sort.addEventListener("change", () => wishes.set({ sort: sort.value }));
  top.addEventListener("change", () => wishes.set({ top: top.value }));
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", show);
  show();
}

export function showRange(picture, wishes) {
  const kept = picture.windows.kept;
  const wanted = RANGES.filter((windows) => windows < kept).slice(-3).concat(kept);
  const unit = picture.windows.length === 60000 ? " min" : "";
  render($("range"), [wanted, wishes.windows, unit], () =>
    wanted.map((windows) =>
      el("button", { type: "button", "aria-pressed": String(String(windows) === wishes.windows), "data-focus": `range:${windows}`, title: `The last ${windows} windows`, on: { click: () => wishes.set({ windows: String(windows) }) } }, `${windows}${unit}`),
    ),
  );
}

export function showTable(picture, wishes, toggle) {
  const { campaigns } = picture;
  const drawn = picture.curves.map((curve) => curve.name);
  const shown = campaigns.rows.length;
  say($("campaigns-note"), campaigns.known ? `${count(shown)} of ${count(campaigns.found)}${campaigns.found < campaigns.known ? ` found among ${count(campaigns.known)}` : ""}` : "");
  const none = $("no-rows");
  none.hidden = shown > 0;
  say(none, campaigns.known ? `No campaign's name holds “${wishes.find}”.` : "No campaign yet.");
  render($("rows"), [campaigns.rows, drawn, document.documentElement.dataset.theme ?? ""], () => campaigns.rows.map((one) => row(one, drawn, picture.now, toggle)));
}

// A change within chance has no colour: it would only catch the eye.
function tone(one) {
  if (one.z === null || Math.abs(one.z) < 3) return "dim";
  return one.z > 0 ? "up-ink" : "drop-ink";
}

function row(one, drawn, now, toggle) {
  const at = drawn.indexOf(one.name);
  const full = at < 0 && drawn.length >= MAX_CURVES;
  return el(
    "tr",
    { class: one.fresh ? undefined : "stale" },
    el(
      "td",
      {},
      el("input", {
        type: "checkbox", checked: at >= 0, "aria-label": `Plot ${one.name}`, "data-focus": `plot:${one.name}`,
        title: full ? `At most ${MAX_CURVES} at once: the one picked first gives way` : undefined,
        style: at >= 0 ? { "accent-color": `var(--curve-${at})` } : {}, on: { change: () => toggle(one.name) },
      }),
    ),
    el("th", { scope: "row", title: one.name }, one.name),
    el("td", { class: "num" }, el("strong", {}, percent(one.ctr))),
    el("td", { class: "dim" }, one.band ? `${percent(one.band[0], 1)} – ${percent(one.band[1], 1)}` : "–"),
    el("td", { class: `num ${tone(one)}`, title: one.z === null ? undefined : `z ${z(one.z)}` }, ratio(one.change)),
    el("td", { class: "num" }, count(one.impressions)),
    el("td", { class: "num" }, count(one.clicks)),
    el("td", {}, sparkline(one.history)),
    el("td", { class: "when" }, el("span", { class: "mono" }, one.fresh ? moment(one.start) : dated(one.start, now)), " ", badge(one.state)),
  );
}
