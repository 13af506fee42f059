// What the pointer, or an arrow key, points at: one window of every drawn campaign.

import { $, el, say } from "./dom.js";
import { curveColour, waits } from "./charts.js";
import { count, dated, moment, percent } from "./format.js";

export function showTip(plot, picture) {
  const tip = $("tip");
  const index = plot.cursor.idx;
  if (index === null || index === undefined || plot.cursor.left < 0 || !picture.curves.length) {
    tip.hidden = true;
    return;
  }
  const start = picture.axis[index];
  const end = start + picture.windows.length;
  const state = picture.total.state[index];
  const lines = picture.curves.map((curve, at) => line(curve, at, index));
  const alerts = picture.alerts.marks.filter((mark) => mark.start === start);
  tip.replaceChildren(
    el("p", { class: "tip-head" }, `${dated(start, picture.now)} – ${moment(end)} `, state ? badge(state) : null, waits(picture, index) ? " still counting" : ""),
    el("ul", {}, lines),
    ...alerts.slice(0, 4).map((mark) => el("p", { class: `tip-alert ${mark.type.toLowerCase()}` }, `${mark.type === "SPIKE" ? "▲" : "▼"} ${mark.type} ${mark.name}`)),
  );
  tip.hidden = false;
  place(tip, plot);
}

export function badge(state) {
  return el("span", { class: `badge ${state.toLowerCase()}` }, state);
}

function line(curve, at, index) {
  const rate = curve.ctr[index];
  const band = rate === null ? "no row" : `${percent(curve.low[index], 1)} to ${percent(curve.high[index], 1)}`;
  return el(
    "li",
    {},
    el("span", { class: "key", style: { background: curveColour(at) } }),
    el("span", { class: "tip-name" }, curve.name),
    el("strong", {}, percent(rate)),
    el("span", { class: "dim" }, rate === null ? band : `${band} · ${count(curve.clicks[index])} of ${count(curve.impressions[index])}`),
  );
}

// Beside the pointer, on the side that has room.
function place(tip, plot) {
  const box = plot.over.getBoundingClientRect();
  const frame = tip.offsetParent.getBoundingClientRect();
  const x = box.left - frame.left + plot.cursor.left;
  const left = x > frame.width / 2 ? x - tip.offsetWidth - 16 : x + 16;
  tip.style.setProperty("left", `${Math.max(0, Math.min(left, frame.width - tip.offsetWidth))}px`);
  tip.style.setProperty("top", `${box.top - frame.top + 8}px`);
}

// Arrow keys move the cursor from window to window, and what it shows is read out.
export function keys(node, current) {
  node.addEventListener("keydown", (event) => {
    const { plot, picture } = current();
    if (!plot || !picture?.axis.length) return;
    const last = picture.axis.length - 1;
    const here = plot.cursor.left >= 0 ? plot.cursor.idx : null;
    const target = { ArrowLeft: (here ?? last + 1) - 1, ArrowRight: (here ?? -1) + 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") plot.setCursor({ left: -10, top: -10 });
    if (target === undefined) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(last, target));
    plot.setCursor({ left: plot.valToPos(picture.axis[index] / 1000, "x"), top: 10 });
    const spoken = picture.curves.map((curve) => `${curve.name} ${percent(curve.ctr[index])}`).join(", ");
    say($("reading"), `${dated(picture.axis[index], picture.now)} ${picture.total.state[index] ?? ""}: ${spoken}`);
  });
  node.addEventListener("blur", () => current().plot?.setCursor({ left: -10, top: -10 }));
}
