/** The check of the page's own answer against the server's, made when the browser has time. */

import { post } from "../shared/api.js";
import { byId } from "../shared/dom.js";
import { labelOf } from "./network.js";

const QUIET = 250; // milliseconds without a change of the drawing
const TOLERANCE = 1e-4; // between outputs of float64 in the page and of float32 in the server

export class Agreement {
  constructor() {
    this.waiting = 0;
    this.checked = 0; // the number of the newest check: an older answer is not shown
  }

  /** Compare outputs with the server's, as soon as nothing new comes; null for a blank drawing. */
  check(pixels, outputs) {
    clearTimeout(this.waiting);
    this.checked += 1;
    show("", false);
    if (!outputs) return;
    const number = this.checked;
    const idle = globalThis.requestIdleCallback ?? setTimeout;
    this.waiting = setTimeout(() => idle(() => this.ask(number, pixels, outputs)), QUIET);
  }

  async ask(number, pixels, outputs) {
    try {
      const answer = await post("/api/predict", { pixels: [...pixels] });
      if (number !== this.checked) return;
      const difference = largestDifference(outputs, answer.outputs);
      const agrees = answer.label === labelOf(outputs) && difference <= TOLERANCE;
      if (agrees) show("✓ The server’s network gives the same outputs.", false);
      else show(`The server answers ${answer.label}; its outputs differ from the page’s by up to ${difference.toPrecision(2)}.`, true);
    } catch (error) {
      if (number === this.checked) show(`Not checked: ${error.message}`, false);
    }
  }
}

/** The largest difference between outputs and those of the server; infinite where their numbers differ. */
export function largestDifference(outputs, others) {
  if (outputs.length !== others.length) return Infinity;
  return Math.max(...others.map((value, at) => Math.abs(value - outputs[at])));
}

function show(text, differs) {
  byId("agreement").textContent = text;
  byId("agreement").classList.toggle("differs", differs);
}
