/** The Draw tab: from the drawing to MNIST's form, through the network, to the answer. */

import { announce } from "../shared/announcer.js";
import { byId } from "../shared/dom.js";
import { number } from "../shared/format.js";
import { followTheme } from "../shared/picture.js";
import { Agreement } from "./agreement.js";
import { DrawingCanvas } from "./drawing_canvas.js";
import { ExplanationView } from "./explanation_view.js";
import { FormView } from "./form_view.js";
import { HiddenView } from "./hidden_view.js";
import { toMnist } from "./mnist_form.js";
import { ModelPanel } from "./model_panel.js";
import { labelOf, loadNetwork } from "./network.js";
import { OutputView } from "./output_view.js";

export class DrawTab {
  hash = "draw";

  constructor(events) {
    this.network = null;
    this.form = null; // the drawing in MNIST's form; null while it is blank
    this.activations = null; // of each layer, for this drawing
    this.inspected = null; // {layer, unit}
    this.canvas = new DrawingCanvas(byId("canvas"), () => this.inkChanged());
    this.formView = new FormView({ drawn: byId("form-drawn"), scaled: byId("form-scaled"), input: byId("form-input") });
    this.hidden = new HiddenView(byId("hidden"), byId("hidden-heading"), (inspected) => this.inspect(inspected));
    this.outputs = new OutputView({ list: byId("outputs"), answer: byId("answer"), inspected: byId("inspected"), weights: byId("inspected-weights") });
    this.outputs.setLabels(Array.from({ length: 10 }, (_, digit) => String(digit)));
    this.agreement = new Agreement();
    this.explanation = new ExplanationView(() => this.input());
    this.model = new ModelPanel(events, { load: (version) => this.load(version), onChange: () => this.showNote() });
    this.connectTools();
    followTheme(() => this.compute());
  }

  setShown(shown) {
    this.model.setShown(shown);
  }

  connectTools() {
    byId("undo").addEventListener("click", () => this.canvas.undo());
    byId("clear").addEventListener("click", () => this.canvas.clear());
    byId("pen").addEventListener("input", ({ target }) => this.canvas.setPenWidth(Number(target.value)));
    byId("pen").addEventListener("focus", () => this.canvas.showPen(true));
    byId("pen").addEventListener("blur", () => this.canvas.showPen(false));
  }

  /** Load the server's network, the first time and after it has trained another one. */
  async load(version) {
    this.network = await loadNetwork(version);
    this.inspected = null; // the other network may have fewer units
    this.hidden.setNetwork(this.network);
    this.compute();
  }

  /** The ink changed: compute everything once before the next picture. */
  inkChanged() {
    byId("undo").disabled = byId("clear").disabled = this.canvas.isBlank;
    byId("paper-hint").hidden = !this.canvas.isBlank;
    if (this.canvas.isBlank) this.explanation.forgetTruth();
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.compute();
    });
  }

  compute() {
    this.form = toMnist(this.canvas.raster);
    this.activations = this.form && this.network ? this.network.activations(this.form.pixels) : null;
    const outputs = this.activations?.at(-1) ?? null;
    this.formView.show(this.canvas.strokes, this.form);
    this.hidden.show(this.activations);
    this.outputs.show(outputs);
    this.inspect(this.inspected);
    this.agreement.check(this.form?.pixels, outputs);
    this.explanation.drawingChanged();
    this.showNote();
    if (outputs) announce(`The answer is ${labelOf(outputs)}, with output ${number(Math.max(...outputs))}.`);
    else if (this.answered) announce("Nothing is drawn.");
    this.answered = Boolean(outputs);
  }

  /** Say below the answer how large its output is, or why there is none. A blank drawing is not read: nobody meant a digit by it. */
  showNote() {
    byId("answer-note").textContent = this.noteOf(this.activations?.at(-1));
  }

  noteOf(outputs) {
    if (outputs) return `with output ${number(Math.max(...outputs))}`;
    if (this.network) return "Nothing is drawn: draw a digit.";
    if (!this.model?.isTraining) return "";
    return this.form ? "The network is still being trained; its answer follows." : "Draw a digit; the network is being trained.";
  }

  /** The pixels and the answer of this drawing; null where there are none yet. */
  input() {
    return this.activations && { pixels: this.form.pixels, answer: labelOf(this.activations.at(-1)) };
  }

  /** Show the weights of a hidden unit, and what it adds to each output; null where none is pointed at. */
  inspect(inspected) {
    this.inspected = inspected;
    this.hidden.mark(inspected);
    this.outputs.showWeights(inspected?.layer === 0 ? this.network.weightsInto(0, inspected.unit) : null, this.network?.largestFirstWeight);
    if (!inspected || !this.activations) return this.outputs.showNoContributions(inspected);
    const { layer, unit } = inspected;
    const activation = this.activations[layer][unit];
    if (layer + 2 < this.activations.length) return this.outputs.showDeepUnit(layer, unit, activation);
    return this.outputs.showContributions(this.network.contributions(layer, unit, activation), unit, activation);
  }
}
