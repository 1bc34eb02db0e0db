/** The network of the Draw tab: its training, its figures, and the button that trains a better one. */

import { announce } from "../shared/announcer.js";
import { get, post } from "../shared/api.js";
import { byId, element } from "../shared/dom.js";
import { number, percent } from "../shared/format.js";

export class ModelPanel {
  /** `load` is called with the version of a network that is ready, `onChange` with each new state. */
  constructor(events, { load, onChange }) {
    Object.assign(this, { events, load, onChange });
    this.isTraining = false;
    this.version = null;
    byId("train-distorted").addEventListener("click", () => this.trainDistorted());
    byId("train-cancel").addEventListener("click", () => this.cancel());
    events.onConnection((connected) => connected && this.refresh());
  }

  setShown(shown) {
    if (!shown) return this.events.unsubscribe("model");
    this.events.subscribe("model", (state) => this.attempt(() => this.show(state)));
    return this.refresh();
  }

  async refresh() {
    await this.attempt(async () => this.show(await get("/api/model")));
  }

  trainDistorted() {
    return this.attempt(async () => this.show(await post("/api/model", { distort: true })));
  }

  /** End the training; the network of before stays. */
  cancel() {
    return this.attempt(async () => {
      await this.show(await post("/api/model/cancel"));
      announce("The training is cancelled.");
    });
  }

  async attempt(action) {
    try {
      await action();
    } catch (error) {
      this.showError(error.message);
    }
  }

  showError(message) {
    byId("model-error").textContent = message;
    byId("model-error").hidden = !message;
  }

  /** Show the state of the server's network, and load the network where it is another one. */
  async show({ message, model, training, trained }) {
    byId("model-state").textContent = training ? trainingText(training, model) : modelText(model);
    showTraining(training);
    this.showError(model ? message : "");
    showNoModel(model ? "" : message);
    this.isTraining = Boolean(training);
    this.onChange();
    showFigures(trained, model);
    if (!model) return;
    if (model.version !== this.version) await this.change(model.version);
  }

  /** Load another network; one that could not be loaded is tried again with the next state. */
  async change(version) {
    this.version = version;
    try {
      await this.load(version);
    } catch (error) {
      this.version = null;
      throw error;
    }
  }
}

/** Show what the networks that the server has trained read, and which of them is in use. */
function showFigures(trained, model) {
  const rows = trained.map(({ version, distort, epochs, seconds, test_accuracy: plain, distorted_accuracy: distorted }) => {
    const used = version === model?.version ? ", in use" : "";
    const how = element("span", { class: "how" }, `${epochs} epochs in ${number(seconds)} s${used}`);
    const name = element("th", { scope: "row" }, distort ? "on distorted digits" : "on plain digits", how);
    return element("tr", {}, name, ...[plain, distorted].map((accuracy) => element("td", {}, percent(accuracy))));
  });
  byId("model-figures").tBodies[0].replaceChildren(...rows);
  byId("model-figures").hidden = !rows.length;
}

/** Show how far a training is, with the button that cancels it in place of the one that begins it; the focus goes along. */
function showTraining(training) {
  const [begin, cancel] = [byId("train-distorted"), byId("train-cancel")];
  const hadFocus = [begin, cancel].includes(document.activeElement);
  byId("model-training").hidden = !training;
  begin.disabled = Boolean(training);
  if (training) byId("model-progress").value = training.step / Math.max(1, training.steps);
  if (hadFocus) (training ? cancel : begin).focus();
}

/** Say beside the canvas why there is no network that reads drawings. */
function showNoModel(message) {
  byId("no-model").textContent = message && `Drawings are not read: ${message}.`;
  byId("no-model").hidden = !message;
}

function trainingText({ distort, epoch, epochs, accuracy }, model) {
  const which = distort ? "a network on distorted digits" : "a network";
  const read = accuracy === null ? "" : ` It reads ${percent(accuracy)} of the training digits.`;
  return `Training ${which}: epoch ${Math.min(epoch + 1, epochs)} of ${epochs}.${read}${model ? " Until then the present one answers." : " You can draw already."}`;
}

function modelText(model) {
  if (!model) return "There is no network yet.";
  const [inputs, ...units] = model.sizes;
  const outputs = units.pop();
  const hidden = units.length ? `${units.join(" and ")} hidden units, ` : "";
  const trained = model.epochs === null || model.seconds !== null ? "" : ` It was trained for ${model.epochs} ${model.epochs === 1 ? "epoch" : "epochs"}.`;
  return `${model.name[0].toUpperCase()}${model.name.slice(1)}: ${inputs} inputs, ${hidden}${outputs} outputs.${trained}`;
}
