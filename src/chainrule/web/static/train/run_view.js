/** What a run shows while it trains: numbers, curves, weights, deltas. */

import { signedColors } from "../shared/colormap.js";
import { byId, element, svg } from "../shared/dom.js";
import { count, number, percent } from "../shared/format.js";
import { LineChart } from "../shared/line_chart.js";
import { drawPixels } from "../shared/picture.js";

const STATE_NAMES = { ready: "ready", running: "training", paused: "paused", finished: "finished", diverged: "diverged", failed: "failed" };

export class RunView {
  constructor() {
    this.cost = new LineChart(byId("cost-chart"), { title: "Cost by epoch" });
    this.accuracy = new LineChart(byId("accuracy-chart"), { title: "Accuracy by epoch", format: percent, tick: (value) => `${+(100 * value).toFixed(2)} %`, range: [0, 1] });
  }

  /** Show a run's newest frame, and the curves of a second run beside it; both may be null. */
  show(frame, compared) {
    showNumbers(frame);
    this.cost.show([...curves(frame, "cost", ""), ...curves(compared, "cost", "other")]);
    this.accuracy.show([...curves(frame, "accuracy", ""), ...curves(compared, "accuracy", "other")]);
    showWeights(frame?.weights ?? null);
    showDeltas(frame?.deltas ?? []);
  }
}

function showNumbers(frame) {
  const { cost, accuracy, accuracyName } = newestNumbers(frame?.curves);
  byId("train-state").textContent = frame ? STATE_NAMES[frame.state] : "no run";
  byId("train-state").dataset.state = frame?.state ?? "";
  byId("train-epoch").textContent = count(frame?.epoch ?? 0);
  byId("train-epochs-of").textContent = frame ? ` of ${count(frame.epochs)}` : "";
  byId("train-step-value").textContent = frame ? `${count(frame.step)} of ${count(frame.steps)}` : "0";
  byId("train-cost-value").textContent = number(cost ?? NaN);
  byId("train-accuracy").textContent = percent(accuracy ?? NaN);
  byId("accuracy-name").textContent = accuracyName;
}

/** The newest cost and accuracy: those of the validation where an epoch has ended, else those of the last mini-batches. */
export function newestNumbers(curves) {
  const last = (column) => column?.at(-1) ?? null;
  if (curves?.epochs.epoch.length) {
    const validated = last(curves.epochs.validation_accuracy);
    const accuracy = validated ?? last(curves.epochs.accuracy);
    return { cost: last(curves.epochs.cost), accuracy, accuracyName: validated === null ? "Training accuracy" : "Validation accuracy" };
  }
  return { cost: last(curves?.batches.cost), accuracy: last(curves?.batches.accuracy), accuracyName: "Batch accuracy" };
}

/** The series of one run's quantity, "cost" or "accuracy". */
function curves(frame, quantity, style) {
  if (!frame) return [];
  const { epochs, batches } = frame.curves;
  const points = (of, column) => of.epoch.map((epoch, k) => [epoch, of[column][k]]);
  const suffix = style ? ", kept run" : "";
  const series = [
    { name: `mini-batches${suffix}`, style: `batches ${style}`, points: points(batches, quantity) },
    { name: `training${suffix}`, style: `training ${style}`, points: points(epochs, quantity) },
    { name: `validation${suffix}`, style: `validation ${style}`, points: points(epochs, `validation_${quantity}`) },
  ];
  return series.filter((each) => each.points.some(([, value]) => value !== null));
}

function showWeights(weights) {
  const place = byId("weights");
  byId("weights-help").textContent = weights ? weightsText(weights) : "";
  if (!weights) return place.replaceChildren();
  const { rows, columns, units } = weights;
  while (place.children.length > units) place.lastChild.remove();
  while (place.children.length < units) place.append(element("canvas", { role: "img", "aria-label": `Weights of unit ${place.children.length + 1}` }));
  place.classList.toggle("strips", rows === 1);
  [...place.children].forEach((canvas, unit) => {
    const values = Float64Array.from(weights.pixels.subarray(unit * rows * columns, (unit + 1) * rows * columns), (level) => (level - 128) / 127);
    drawPixels(canvas, signedColors(values, 1), rows, columns);
  });
}

function weightsText({ units, of, scale, rows, columns }) {
  const shown = units < of ? `The first ${units} of ${of} units` : `${of} units`;
  const inputs = rows === 1 ? `, ${columns} inputs each` : "";
  return `${shown}${inputs}; the strongest blue is +${number(scale)}, the strongest orange −${number(scale)}.`;
}

function showDeltas(deltas) {
  const place = byId("deltas");
  while (place.children.length > deltas.length) place.lastChild.remove();
  while (place.children.length < deltas.length) place.append(element("figure", {}, svg("svg", { viewBox: "0 0 240 60", role: "img" }), element("figcaption", {})));
  deltas.forEach((histogram, layer) => showHistogram(place.children[layer], histogram, layer + 1));
}

function showHistogram(figure, { counts, limit, mean }, layer) {
  const largest = Math.max(1, ...counts);
  const step = 240 / counts.length;
  const bars = counts.map((count, k) => svg("rect", { x: (k * step + 0.5).toFixed(1), y: (50 - (50 * count) / largest).toFixed(1), width: (step - 1).toFixed(1), height: ((50 * count) / largest).toFixed(1) }));
  const zero = svg("line", { x1: 120, x2: 120, y1: 0, y2: 54 });
  figure.firstChild.replaceChildren(...bars, zero);
  figure.firstChild.setAttribute("aria-label", `Histogram of delta of layer ${layer}: from −${number(limit)} to ${number(limit)}, mean magnitude ${number(mean)}`);
  figure.lastChild.textContent = `layer ${layer}: from −${number(limit)} to ${number(limit)}, mean |δ| ${number(mean)}`;
}
