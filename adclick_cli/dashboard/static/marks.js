// What is drawn on the plots by hand: the windows that are still live, and the alerts.

import { colour } from "./theme.js";

// Shade the windows from the first live one on.
export function drawLive(plot, picture, named) {
  const first = picture.total.state.indexOf("LIVE");
  if (first < 0) return;
  const { ctx, bbox } = plot;
  const half = (picture.windows.length ?? 60000) / 2000;
  const left = Math.max(bbox.left, plot.valToPos(picture.axis[first] / 1000 - half, "x", true));
  const right = bbox.left + bbox.width;
  ctx.save();
  ctx.fillStyle = colour("live-area");
  ctx.fillRect(left, bbox.top, right - left, bbox.height);
  ctx.strokeStyle = colour("muted");
  ctx.setLineDash([3 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(left, bbox.top);
  ctx.lineTo(left, bbox.top + bbox.height);
  ctx.stroke();
  if (named) nameSides(plot, left, right);
  ctx.restore();
}

function nameSides({ ctx, bbox }, left, right) {
  ctx.fillStyle = colour("muted");
  ctx.font = `600 ${10 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  if (right - left > 34 * devicePixelRatio) ctx.fillText("LIVE", left + 5 * devicePixelRatio, bbox.top + 5 * devicePixelRatio);
  if (left - bbox.left > 50 * devicePixelRatio) {
    ctx.textAlign = "right";
    ctx.fillText("FINAL", left - 5 * devicePixelRatio, bbox.top + 5 * devicePixelRatio);
  }
}

// Windows that still wait for clicks: a ring where their rate is by now.
export function drawOpen(plot, picture, curveColour, waits) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  picture.curves.forEach((curve, at) => {
    ctx.strokeStyle = curveColour(at);
    curve.ctr.forEach((rate, index) => {
      if (rate === null || !waits(picture, index)) return;
      const y = plot.valToPos(rate, "y", true);
      if (y < bbox.top) return;
      ctx.beginPath();
      ctx.arc(plot.valToPos(picture.axis[index] / 1000, "x", true), y, 3 * devicePixelRatio, 0, 2 * Math.PI);
      ctx.stroke();
    });
  });
  ctx.restore();
}

// All alerts in a row above the curves, those of drawn campaigns also on their curve.
export function drawMarks(plot, picture, curveColour) {
  const { ctx, bbox } = plot;
  const drawn = new Map(picture.curves.map((curve, index) => [curve.name, index]));
  const at = new Map(picture.axis.map((ms, index) => [ms, index]));
  ctx.save();
  for (const mark of picture.alerts.marks) {
    const index = at.get(mark.start);
    if (index === undefined) continue;
    const x = plot.valToPos(mark.start / 1000, "x", true);
    const curve = drawn.get(mark.name);
    const spike = mark.type === "SPIKE";
    const tint = colour(spike ? "spike" : "drop");
    const row = bbox.top - (spike ? 20 : 8) * devicePixelRatio;
    ctx.globalAlpha = curve === undefined ? 0.45 : 1;
    triangle(ctx, x, row, (curve === undefined ? 3.5 : 5) * devicePixelRatio, spike, tint, null);
    if (curve === undefined) continue;
    const rate = picture.curves[curve].ctr[index];
    if (rate === null) continue;
    const y = plot.valToPos(rate, "y", true);
    ctx.strokeStyle = tint;
    ctx.globalAlpha = 0.5;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, y);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
    triangle(ctx, x, y, 6 * devicePixelRatio, spike, tint, curveColour(curve));
  }
  ctx.restore();
}

function triangle(ctx, x, y, size, up, fill, rim) {
  const way = up ? -1 : 1;
  ctx.beginPath();
  ctx.moveTo(x, y + way * size);
  ctx.lineTo(x - size, y - way * size * 0.8);
  ctx.lineTo(x + size, y - way * size * 0.8);
  ctx.closePath();
  ctx.fillStyle = fill;
  ctx.fill();
  if (rim) {
    ctx.strokeStyle = rim;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.stroke();
  }
}
