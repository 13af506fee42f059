// A small curve beside a number; a window without a row is a gap.

import { svg } from "./dom.js";

const WIDTH = 96;
const HEIGHT = 24;

export function sparkline(values) {
  const known = values.filter((value) => value !== null);
  const top = Math.max(...known, 0) || 1;
  const step = WIDTH / Math.max(1, values.length - 1);
  const point = (value, index) => `${(index * step).toFixed(1)},${(HEIGHT - 2 - (value / top) * (HEIGHT - 4)).toFixed(1)}`;
  const pieces = [];
  let piece = [];
  values.forEach((value, index) => {
    if (value === null) {
      if (piece.length) pieces.push(piece);
      piece = [];
    } else piece.push(point(value, index));
  });
  if (piece.length) pieces.push(piece);
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" },
    pieces.map((points) => svg("path", { d: `M${points.length > 1 ? points.join("L") : `${points[0]}h1`}` })),
  );
}
