// From the stream to the page.

import { CtrPlot, VolumePlot } from "./charts.js";
import { $, say } from "./dom.js";
import { Feed } from "./feed.js";
import { showChips, showNotice } from "./health.js";
import { showAlerts, showDeclared, showDevices, showFigures, showLegend, showMovers } from "./panels.js";
import { showQuality } from "./quality.js";
import { showRange, showTable, startFilters } from "./table.js";
import { startTheme } from "./theme.js";
import { keys, showTip } from "./tip.js";
import { Wishes } from "./wishes.js";

let picture = null;
let arrived = 0;
let lost = false;

const wishes = new Wishes(() => {
  feed.ask(wishes.query());
  draw();
});
const ctr = new CtrPlot($("ctr-plot"), (plot) => picture && showTip(plot, picture));
const volume = new VolumePlot($("volume-plot"));
const feed = new Feed(
  (fresh) => {
    picture = fresh;
    arrived = performance.now();
    lost = false;
    draw();
  },
  () => {
    lost = true;
    tick();
  },
);

const toggle = (name) => wishes.toggle(name, picture.curves.map((curve) => curve.name));

// The server's clock, going on between two pictures: ages do not depend on this machine's clock.
const now = () => picture.now + (performance.now() - arrived);

function tick() {
  if (!picture) {
    if (lost) showNotice(null, true, 0);
    return;
  }
  showChips(picture, now());
  showNotice(picture, lost, now());
}

function draw() {
  if (!picture) return;
  tick();
  showRange(picture, wishes);
  showLegend(picture, wishes, toggle);
  showFigures(picture);
  if (picture.axis.length) {
    const theme = [document.documentElement.dataset.theme, matchMedia("(prefers-color-scheme: dark)").matches];
    ctr.show(picture, theme);
    volume.show(picture, theme);
  }
  showMovers(picture, toggle);
  showDevices(picture);
  showDeclared(picture);
  showAlerts(picture, toggle);
  showQuality(picture);
  showTable(picture, wishes, toggle);
  document.body.dataset.ready = picture.axis.length ? "rows" : "empty";
}

startTheme(draw);
startFilters(wishes);
keys($("ctr-plot"), () => ({ plot: ctr.plot, picture }));
say($("notice"), "");
feed.ask(wishes.query());
setInterval(tick, 1000);
