/** The decision boundary of a network of the plane: pure functions of the values on a grid. */

import { BLUE, ORANGE } from "../shared/colormap.js";

/**
 * Map certainties to pixels: 0, class 0 is certain, is orange; 255, class 1, is blue; between them the colour fades.
 *
 * The grid's first row is that of the lowest y; the picture's is that of the highest.
 */
export function boundaryPixels(values, side) {
  const pixels = new Uint8ClampedArray(4 * side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const certainty = values[row * side + column] / 127.5 - 1;
      const at = 4 * ((side - 1 - row) * side + column);
      pixels.set(certainty > 0 ? BLUE : ORANGE, at);
      pixels[at + 3] = 20 + 90 * Math.abs(certainty);
    }
  }
  return pixels;
}

/**
 * Find the segments of the line between the classes by marching squares, in units of the grid: [[x, y], [x, y]].
 */
export function boundarySegments(values, side) {
  const segments = [];
  for (let row = 0; row + 1 < side; row++) {
    for (let column = 0; column + 1 < side; column++) {
      const crossings = cellCrossings(values, side, row, column);
      for (let k = 0; k + 1 < crossings.length; k += 2) segments.push([crossings[k], crossings[k + 1]]);
    }
  }
  return segments;
}

const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]]; // of a cell, as (x, y), in order around it

/** The points at which the boundary crosses the edges of a cell: none, two or four. */
function cellCrossings(values, side, row, column) {
  const level = CORNERS.map(([x, y]) => values[(row + y) * side + column + x] - 127.5);
  const crossings = [];
  for (let k = 0; k < 4; k++) {
    const next = (k + 1) % 4;
    if (level[k] > 0 === level[next] > 0) continue;
    const along = level[k] / (level[k] - level[next]);
    const [from, to] = [CORNERS[k], CORNERS[next]];
    crossings.push([column + from[0] + along * (to[0] - from[0]), row + from[1] + along * (to[1] - from[1])]);
  }
  return crossings;
}
