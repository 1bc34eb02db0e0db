/** A line chart in SVG, with its numbers in a table behind a disclosure. */

import { element, svg } from "./dom.js";
import { count, number } from "./format.js";
import { ticks } from "./ticks.js";

const LEAST_HEIGHT = 206;
const MOST_HEIGHT = 400;
const SHAPE = 0.4; // the height of a wide chart, as a share of its width
const MARGIN = { left: 46, right: 10, top: 8, bottom: 42 };

export class LineChart {
  /** `title` names the chart; `format` writes a value, `tick` one of the axis; `range` gives the least span of the y axis, [low, high]. */
  constructor(container, { title, format = number, tick = String, range = [0, 0] }) {
    Object.assign(this, { container, title, format, tick, range });
    this.series = [];
    this.figure = svg("svg", { class: "chart", role: "img", "aria-label": title });
    this.legend = element("p", { class: "legend" });
    this.readout = element("p", { class: "readout" });
    this.table = element("details", { class: "numbers" }, element("summary", {}, "Table of these numbers"));
    container.append(this.legend, this.figure, this.readout, this.table);
    this.table.addEventListener("toggle", () => this.fillTable());
    this.figure.addEventListener("pointermove", (event) => this.pointAt(event));
    this.figure.addEventListener("pointerleave", () => this.pointAt(null));
    new ResizeObserver(() => this.draw()).observe(container);
  }

  /** Show series: each {name, style, points: [[x, y], ...]}, with x increasing. `style` is a class of the style sheet. */
  show(series) {
    this.series = series.map((each) => ({ ...each, points: each.points.filter(([, y]) => y !== null) }));
    this.draw();
    this.fillTable();
  }

  draw() {
    if (!this.container.clientWidth) return;
    this.zoom = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const width = this.container.clientWidth / this.zoom;
    this.height = Math.min(Math.max(LEAST_HEIGHT, SHAPE * width), MOST_HEIGHT);
    this.scales = this.makeScales(width);
    this.figure.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.figure.setAttribute("aria-label", `${this.title}. ${this.summary()}`);
    this.mark = svg("line", { class: "mark", y1: MARGIN.top, y2: this.height - MARGIN.bottom, visibility: "hidden" });
    this.figure.replaceChildren(...this.axes(width), ...this.series.map((each) => this.line(each)), this.mark);
    this.legend.replaceChildren(...this.series.map(({ name, style }) => element("span", { class: `key ${style}` }, name)));
  }

  makeScales(width) {
    const all = this.series.flatMap(({ points }) => points);
    const lastX = Math.max(1, ...all.map(([x]) => x));
    const low = Math.min(this.range[0], ...all.map(([, y]) => y));
    const highest = Math.max(this.range[1], ...all.map(([, y]) => y));
    const high = highest > low ? highest : low + 1;
    const spanX = width - MARGIN.left - MARGIN.right;
    const spanY = this.height - MARGIN.top - MARGIN.bottom;
    return {
      lastX,
      marks: ticks(low, high, 4),
      x: (value) => MARGIN.left + (value / lastX) * spanX,
      y: (value) => MARGIN.top + ((high - value) / (high - low)) * spanY,
      valueAt: (position) => ((position - MARGIN.left) / spanX) * lastX,
    };
  }

  axes(width) {
    const { x, y, marks, lastX } = this.scales;
    const across = marks.flatMap((value) => [
      svg("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
      svg("text", { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, this.tick(value)),
    ]);
    const along = ticks(0, lastX, Math.max(2, Math.floor(width / 90))).filter(Number.isInteger);
    const labels = along.map((value) => svg("text", { x: x(value), y: this.height - MARGIN.bottom + 18, "text-anchor": "middle" }, count(value)));
    const name = svg("text", { x: x(lastX / 2), y: this.height - 6, "text-anchor": "middle" }, "epoch");
    return [...across, ...labels, name];
  }

  line({ points, style }) {
    const { x, y } = this.scales;
    if (points.length === 1) return svg("circle", { class: `dot ${style}`, cx: x(points[0][0]), cy: y(points[0][1]), r: 3 });
    return svg("polyline", { class: `line ${style}`, points: points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ") });
  }

  summary() {
    return this.series.map(({ name, points }) => (points.length ? `${name}: ${this.format(points.at(-1)[1])}` : `${name}: none yet`)).join("; ");
  }

  /** Say the values under the pointer. */
  pointAt(event) {
    this.readout.textContent = "";
    this.mark?.setAttribute("visibility", "hidden");
    if (!event || !this.series.some(({ points }) => points.length)) return;
    const at = this.scales.valueAt((event.clientX - this.figure.getBoundingClientRect().left) / this.zoom);
    const near = this.series.map(({ points }) => nearest(points, at));
    const first = near.find(Boolean);
    this.mark.setAttribute("x1", this.scales.x(first[0]));
    this.mark.setAttribute("x2", this.scales.x(first[0]));
    this.mark.setAttribute("visibility", "visible");
    const values = this.series.map(({ name }, k) => near[k] && `${name} ${this.format(near[k][1])}`).filter(Boolean);
    this.readout.textContent = `epoch ${number(first[0])}: ${values.join(", ")}`;
  }

  /** Fill the table while it is open. */
  fillTable() {
    if (!this.table.open) return;
    const epochs = [...new Set(this.series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
    const values = this.series.map(({ points }) => new Map(points));
    const head = ["epoch", ...this.series.map(({ name }) => name)].map((name) => element("th", { scope: "col" }, name));
    const rows = epochs.map((x) => element("tr", {}, element("th", { scope: "row" }, number(x)), ...values.map((of) => element("td", {}, of.has(x) ? this.format(of.get(x)) : ""))));
    const table = element("table", {}, element("caption", {}, this.title), element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
    this.table.querySelector(".scrolled")?.remove();
    this.table.append(element("div", { class: "scrolled", tabindex: 0, role: "region", "aria-label": `Numbers of ${this.title}` }, table));
  }
}

function nearest(points, x) {
  return points.reduce((best, point) => (!best || Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best), null);
}
