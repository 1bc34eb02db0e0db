/** The outputs as bars, the answer, and what an inspected hidden unit adds to each output. */

import { largestMagnitude, signedColors } from "../shared/colormap.js";
import { element } from "../shared/dom.js";
import { number, signed } from "../shared/format.js";
import { drawPixels } from "../shared/picture.js";
import { SIDE } from "./mnist_form.js";
import { labelOf } from "./network.js";

const HINT = "Point at a hidden unit to see what it adds to each output.";

export class OutputView {
  /** `weights` is the canvas of the inspected unit's weights. */
  constructor({ list, answer, inspected, weights }) {
    Object.assign(this, { list, answer, inspected, weights });
    this.rows = [];
  }

  /** Make one row for each output; `labels` are the names of the classes. */
  setLabels(labels) {
    this.labels = labels;
    this.rows = labels.map((label, output) => outputRow(label, output));
    this.list.replaceChildren(...this.rows);
    this.show(null);
  }

  /** Show the outputs; null for a blank drawing. */
  show(outputs) {
    const label = outputs && labelOf(outputs);
    this.answer.textContent = outputs ? this.labels[label] : "–";
    this.answer.dataset.blank = String(!outputs);
    this.rows.forEach((row, output) => {
      const value = outputs ? outputs[output] : 0;
      row.style.setProperty("--output", Math.min(Math.max(value, 0), 1).toFixed(3));
      row.classList.toggle("largest", output === label);
      row.querySelector(".value").textContent = outputs ? value.toFixed(2) : "";
    });
  }

  /** Show no contributions: no unit is inspected, or nothing is drawn that it could respond to. */
  showNoContributions(inspected) {
    this.showContributions(null);
    if (inspected) this.inspected.textContent = `Unit ${inspected.unit + 1}: draw a digit to see what it adds.`;
  }

  /** Show what a unit adds to each output; null for none. */
  showContributions(contributions, unit, activation) {
    const fullScale = contributions ? largestMagnitude(contributions) || 1 : 1;
    this.rows.forEach((row, output) => {
      const adds = row.querySelector(".adds");
      const value = contributions?.[output] ?? null;
      adds.textContent = value === null ? "" : signed(value);
      adds.classList.toggle("negative", value < 0);
      adds.style.setProperty("--adds", value === null ? 0 : Math.abs(value / fullScale).toFixed(3));
    });
    this.inspected.textContent = contributions ? `Unit ${unit + 1} has activation ${number(activation)} and adds weight × activation to each output’s z.` : HINT;
  }

  /** Show the weights of a unit of the first hidden layer, of which `fullScale` is the strongest colour; null for none. */
  showWeights(weights, fullScale) {
    drawPixels(this.weights, signedColors(weights ?? new Float64Array(SIDE * SIDE), fullScale), SIDE, SIDE);
  }

  /** Explain a unit that does not feed the outputs directly. */
  showDeepUnit(layer, unit, activation) {
    this.showContributions(null);
    this.inspected.textContent = `Unit ${unit + 1} of hidden layer ${layer + 1} has activation ${number(activation)}; it feeds the units of layer ${layer + 2}.`;
  }
}

function outputRow(label, output) {
  const bar = element("span", { class: "bar", "aria-hidden": "true" }, element("i"));
  const digit = element("span", { class: "digit" }, label);
  return element("li", { "data-testid": `output-${output}` }, digit, bar, element("span", { class: "value" }), element("span", { class: "adds" }));
}
