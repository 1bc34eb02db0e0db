/** The hidden units: each with the picture of its weights and a bar for its activation. */

import { largestMagnitude, signedColors } from "../shared/colormap.js";
import { element } from "../shared/dom.js";
import { number } from "../shared/format.js";
import { drawPixels } from "../shared/picture.js";
import { SIDE } from "./mnist_form.js";

const MOST_UNITS = 1024; // of one layer that are shown
const KEYS = { ArrowRight: 1, ArrowLeft: -1 };

export class HiddenView {
  /** `onInspect` is called with (layer, unit) when a unit is pointed at or focused, and with null when it is left. */
  constructor(container, heading, onInspect) {
    Object.assign(this, { container, heading, onInspect });
    this.tiles = [];
  }

  /** Show the units of a network. */
  setNetwork(network) {
    const hidden = network.sizes.slice(1, -1);
    this.heading.textContent = hidden.length ? `${hidden.join(" and ")} hidden units` : "No hidden units";
    this.tiles = hidden.map((units, layer) => Array.from({ length: Math.min(units, MOST_UNITS) }, (_, unit) => this.tile(layer, unit)));
    this.container.replaceChildren(...this.tiles.map((tiles, layer) => this.grid(tiles, layer, hidden[layer])));
    if (this.tiles.length) this.drawWeights(network);
  }

  tile(layer, unit) {
    const name = layer === 0 ? `hidden-${unit}` : `hidden-${layer}-${unit}`;
    const canvas = element("canvas", { "aria-hidden": "true" });
    const tile = element("button", { type: "button", class: "unit", "data-testid": name, tabindex: unit ? -1 : 0 }, canvas, element("i"));
    tile.addEventListener("pointerenter", () => this.onInspect({ layer, unit }));
    tile.addEventListener("pointerleave", () => this.onInspect(null));
    tile.addEventListener("focus", () => this.onInspect({ layer, unit }));
    tile.addEventListener("blur", () => this.onInspect(null));
    return tile;
  }

  grid(tiles, layer, units) {
    const density = units <= 40 ? "few" : units <= 140 ? "many" : "most";
    const grid = element("div", { class: `units ${layer ? "deep" : "first"} ${density}`, role: "group", "aria-label": `Hidden layer ${layer + 1}` }, ...tiles);
    grid.addEventListener("keydown", (event) => this.moveFocus(event, tiles));
    if (units <= tiles.length) return grid;
    return element("div", {}, grid, element("p", { class: "help" }, `The first ${tiles.length} of ${units} units.`));
  }

  /** Arrow keys move the focus between units; only one unit of a layer is in the tab order. */
  moveFocus(event, tiles) {
    const at = tiles.indexOf(event.target);
    const inFirstRow = tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
    const steps = { ...KEYS, ArrowDown: inFirstRow, ArrowUp: -inFirstRow };
    const next = tiles[at + (steps[event.key] ?? 0)];
    if (!(event.key in steps) || !next) return;
    event.preventDefault();
    tiles[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  drawWeights(network) {
    this.tiles[0].forEach((tile, unit) => {
      drawPixels(tile.firstChild, signedColors(network.weightsInto(0, unit), network.largestFirstWeight), SIDE, SIDE);
    });
  }

  /** Show the activations of all layers; null for a blank drawing. */
  show(activations) {
    this.tiles.forEach((tiles, layer) => {
      const values = activations?.[layer];
      const fullScale = values ? Math.max(1, largestMagnitude(values)) : 1;
      tiles.forEach((tile, unit) => showActivation(tile, unit, values?.[unit] ?? null, fullScale));
    });
  }

  /** Mark the unit that is inspected. */
  mark(inspected) {
    this.marked?.classList.remove("inspected");
    this.marked = inspected && this.tiles[inspected.layer]?.[inspected.unit];
    this.marked?.classList.add("inspected");
  }
}

function showActivation(tile, unit, activation, fullScale) {
  const label = `Unit ${unit + 1}${activation === null ? "" : `, activation ${number(activation)}`}`;
  const share = activation === null ? 0 : activation / fullScale;
  const shown = `${label} ${share.toFixed(3)}`;
  if (tile.dataset.shown === shown) return; // most units of most networks stay as they are between two moves of the pen
  tile.dataset.shown = shown;
  tile.style.setProperty("--activation", Math.abs(share).toFixed(3));
  tile.classList.toggle("negative", share < 0);
  tile.setAttribute("aria-label", label);
}
