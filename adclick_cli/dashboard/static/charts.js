// The two plots: rates with their bands and the alerts on top, and below them what was shown and clicked.

import uPlot from "./vendor/uPlot.esm.js";
import { clock, clockSeconds, percent, short } from "./format.js";
import { colour } from "./theme.js";
import { drawLive, drawMarks, drawOpen } from "./marks.js";

const SYNC = "adclick";
// Both plots have the same margins, so that one window stands above the other.
const LEFT = 52;
const RIGHT = 40;
const FEW = 30;
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

export const curveColour = (index) => colour(`curve-${index}`);

class Plot {
  #plot = null;
  #shape = "";
  #picture = null;

  constructor(node, height) {
    this.node = node;
    this.height = height;
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(node);
  }

  get plot() {
    return this.#plot;
  }

  get picture() {
    return this.#picture;
  }

  #size() {
    return { width: Math.max(200, this.node.clientWidth), height: this.height() };
  }

  // New data go into the plot that is there; other curves or other colours need another plot.
  show(picture, theme) {
    this.#picture = picture;
    const data = this.data(picture);
    const shape = JSON.stringify([this.shape(picture), theme]);
    if (shape !== this.#shape || !this.#plot) {
      this.#plot?.destroy();
      this.#plot = new uPlot({ ...this.options(picture), ...this.#size() }, data, this.node);
      this.#shape = shape;
    } else {
      this.#plot.setData(data);
    }
  }

  common() {
    const grid = { stroke: colour("grid"), width: 1 };
    const axis = { stroke: colour("muted"), grid, ticks: { show: false }, font: FONT };
    return {
      axis,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { sync: { key: SYNC }, y: false, drag: { x: false, y: false } },
      x: {
        time: true,
        // Half a window of air on both sides: a window's mark stands at its start.
        range: (plot, min, max) => {
          const half = (this.#picture.windows.length ?? 60000) / 2000;
          return [min - half, max + half];
        },
      },
      times: {
        ...axis,
        values: (plot, splits) => splits.map((at) => (at % 60 ? clockSeconds(at * 1000) : clock(at * 1000))),
        space: 60,
        size: 28,
      },
    };
  }
}

const seconds = (picture) => picture.axis.map((ms) => ms / 1000);

// A window that still waits for clicks would draw a fall at the end of every curve: it gets a mark of its own.
export const waits = (picture, index) => picture.axis[index] > (picture.campaigns.start ?? -Infinity);
const whole = (picture, values) => values.map((value, index) => (waits(picture, index) ? null : value));
const narrow = () => window.innerWidth < 600;

export class CtrPlot extends Plot {
  constructor(node, onCursor) {
    super(node, () => (narrow() ? 260 : 340));
    this.onCursor = onCursor;
  }

  shape(picture) {
    return picture.curves.map((curve) => curve.name);
  }

  data(picture) {
    return [seconds(picture), ...picture.curves.flatMap(({ low, high, ctr }) => [low, high, ctr].map((values) => whole(picture, values)))];
  }

  options(picture) {
    const { axis, times, x, ...common } = this.common();
    const bound = { width: 0, points: { show: false }, stroke: "transparent" };
    return {
      ...common,
      padding: [30, RIGHT, 0, 0],
      scales: { x, y: { range: (plot, min, max) => [0, (max || 0.1) * 1.08] } },
      axes: [
        times,
        {
          ...axis,
          size: LEFT,
          values: (plot, splits, _, __, step) => splits.map((at) => percent(at, Math.round(step * 1000) % 10 ? 1 : 0)),
        },
      ],
      series: [
        {},
        ...picture.curves.flatMap((_, index) => [
          bound,
          bound,
          { stroke: curveColour(index), width: 2, points: { show: (plot) => plot.data[0].length <= FEW, size: 5, fill: curveColour(index) } },
        ]),
      ],
      bands: picture.curves.map((_, index) => ({
        series: [index * 3 + 2, index * 3 + 1],
        fill: `${curveColour(index)}2b`,
      })),
      hooks: {
        drawClear: [(plot) => drawLive(plot, this.picture, true)],
        draw: [
          (plot) => drawOpen(plot, this.picture, curveColour, waits),
          (plot) => drawMarks(plot, this.picture, curveColour),
        ],
        setCursor: [(plot) => this.onCursor(plot)],
      },
    };
  }
}

export class VolumePlot extends Plot {
  constructor(node) {
    super(node, () => (narrow() ? 130 : 150));
  }

  shape() {
    return "volume";
  }

  data(picture) {
    return [seconds(picture), picture.total.impressions, whole(picture, picture.total.clicks)];
  }

  options() {
    const { axis, times, x, ...common } = this.common();
    const zero = { range: (plot, min, max) => [0, (max || 1) * 1.1] };
    const values = (plot, splits) => splits.map(short);
    return {
      ...common,
      padding: [8, 0, 0, 0],
      scales: { x, y: zero, clicks: zero },
      axes: [
        times,
        { ...axis, size: LEFT, values },
        { ...axis, scale: "clicks", side: 1, size: RIGHT, values, grid: { show: false }, stroke: colour("clicks") },
      ],
      series: [
        {},
        { paths: uPlot.paths.bars({ size: [0.7, 26] }), fill: colour("bars"), stroke: "transparent", width: 0, points: { show: false } },
        { scale: "clicks", stroke: colour("clicks"), width: 2, points: { show: false } },
      ],
      hooks: { drawClear: [(plot) => drawLive(plot, this.picture, false)] },
    };
  }
}
