/** The network as it runs in the page: the library's JavaScript export, which the server gives as /model.js. */

import { largestMagnitude } from "../shared/colormap.js";

/** Load the export. `version` tells a new network from the one that the browser has loaded before. */
export async function loadNetwork(version) {
  return new Network(await import(`/model.js?version=${encodeURIComponent(version)}`));
}

export class Network {
  constructor(exported) {
    this.sizes = exported.sizes;
    this.layers = exported.layers;
    this.exported = exported;
    this.largestFirstWeight = largestMagnitude(exported.layers[0].weights); // the strongest colour of the weights' pictures
  }

  /** The activations of each layer for pixels from 0 to 255; the last layer's are the outputs. */
  activations(pixels) {
    const x = this.exported.inputs?.kind === "pixels" ? pixels : Array.from(pixels, (level) => level / 255);
    return this.exported.activations(x).slice(-this.layers.length);
  }

  /** The weights of one unit, as many as the layer has inputs. */
  weightsInto(layer, unit) {
    const inputs = this.sizes[layer];
    return this.layers[layer].weights.subarray(unit * inputs, (unit + 1) * inputs);
  }

  /** What a unit adds to each unit of the next layer: w * a. */
  contributions(layer, unit, activation) {
    const { weights } = this.layers[layer + 1];
    const units = this.sizes[layer + 1];
    return Float64Array.from({ length: this.sizes[layer + 2] }, (_, output) => weights[output * units + unit] * activation);
  }
}

/** The number of the largest output. */
export function labelOf(outputs) {
  return outputs.indexOf(Math.max(...outputs));
}
