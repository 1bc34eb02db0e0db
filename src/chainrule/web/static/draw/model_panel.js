/** The network of the Draw tab: its training, its figures, and the button that trains a better one. */

import { get, post } from "../shared/api.js";
import { byId, element } from "../shared/dom.js";
import { percent } from "../shared/format.js";

export class ModelPanel {
  /** `load` is called with the version of a network that is ready. */
  constructor(events, load) {
    Object.assign(this, { events, load });
    this.version = null;
    byId("train-distorted").addEventListener("click", () => this.trainDistorted());
    events.onConnection((connected) => connected && this.refresh());
  }

  setShown(shown) {
    if (!shown) return this.events.unsubscribe("model");
    this.events.subscribe("model", (state) => this.show(state));
    return this.refresh();
  }

  async refresh() {
    await this.attempt(async () => this.show(await get("/api/model")));
  }

  trainDistorted() {
    return this.attempt(async () => this.show(await post("/api/model", { distort: true })));
  }

  async attempt(action) {
    try {
      await action();
      this.showError("");
    } catch (error) {
      this.showError(error.message);
    }
  }

  showError(message) {
    byId("model-error").textContent = message;
    byId("model-error").hidden = !message;
  }

  /** Show the state of the server's network, and load it where it is new. */
  async show(state) {
    byId("model-state").textContent = stateText(state);
    byId("model-progress").hidden = state.state !== "training";
    byId("train-distorted").disabled = state.state === "training";
    if (state.state === "ready" && state.version !== this.version) {
      this.version = state.version;
      await this.load(state.version);
    }
  }
}

function stateText({ state, sizes, accuracy }) {
  return `${sizes.join(" – ")}: ${state}, reads ${percent(accuracy)} of the test digits.`;
}
