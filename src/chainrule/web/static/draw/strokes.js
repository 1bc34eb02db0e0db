/** Strokes of a round pen as grey levels: the raster from which the network's input is computed. */

import { image } from "./image_operations.js";

export const PAPER = 280; // the side of the drawing, in units of its own: the raster has as many pixels

/** A blank drawing. */
export function blankRaster() {
  return image(PAPER, PAPER, new Uint8Array(PAPER * PAPER));
}

/** Draw a stroke: {width, points}, with points [x, y] in units of the paper. */
export function drawStroke(raster, { width, points }) {
  points.forEach((point, k) => drawSegment(raster, points[Math.max(0, k - 1)], point, width));
}

/** Draw one segment of a stroke. A pixel that the pen's edge crosses gets a share of the ink; ink on ink is not darker. */
export function drawSegment(raster, from, to, width) {
  const reach = width / 2 + 1;
  const [firstRow, lastRow] = pixelRange(from[1], to[1], reach, raster.height);
  const [firstColumn, lastColumn] = pixelRange(from[0], to[0], reach, raster.width);
  for (let row = firstRow; row <= lastRow; row++) {
    for (let column = firstColumn; column <= lastColumn; column++) {
      const at = row * raster.width + column;
      const share = width / 2 + 0.5 - distanceToSegment(column + 0.5, row + 0.5, from, to);
      const level = Math.round(255 * Math.min(Math.max(share, 0), 1));
      if (level > raster.data[at]) raster.data[at] = level;
    }
  }
}

function pixelRange(from, to, reach, length) {
  return [Math.max(0, Math.floor(Math.min(from, to) - reach)), Math.min(length - 1, Math.ceil(Math.max(from, to) + reach))];
}

function distanceToSegment(x, y, [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squared = dx * dx + dy * dy;
  const along = squared ? Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / squared, 0), 1) : 0;
  return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
}
