/**
 * A drawing brought to MNIST's form, by the steps of chainrule's `datasets/mnist_form/conversion.py`.
 *
 * MNIST's form is light ink on a background of 0, scaled to fit a box of 20 x 20 with its proportions kept, and placed so that its
 * centre of mass is at (14, 14) of 28 x 28 pixels. The library also searches photos for the digit; all ink of a drawing is the digit's.
 */

import {
  boundingBox,
  connectedTo,
  crop,
  distanceToZeros,
  gaussianBlur,
  longerSide,
  mapImage,
  maskOf,
  pad,
  percentile,
  resizeBicubic,
  roundHalfToEven,
  widenBox,
} from "./image_operations.js";

export const SIDE = 28;
export const BOX = 20;
export const CENTRE = 14;

const BLUR = 1 / 700; // of the drawing's longer side
const LEAST_THRESHOLD = 5; // grey levels of 255: fainter ink is no drawing
const THINNEST_STROKE = 1.8; // pixels in the box: nine in ten of MNIST's digits have wider strokes

/**
 * Convert a drawing to MNIST's form.
 *
 * `drawing` is an image of grey levels from 0, the paper, to 255, the ink. The result is null for a blank drawing, else
 * {box, scaled, top, left, pixels}: the ink's box in the drawing; the digit scaled to the box of 20 x 20, an image of shares of ink
 * from 0 to 1; the row and column at which it is placed; the 784 pixels, 0 to 255.
 */
export function toMnist(drawing) {
  const ink = findInk(drawing);
  if (!ink) return null;
  const scaled = scaleToBox(thicken(inkShare(ink), ink.strokes));
  return { box: ink.box, scaled, ...placeAtCentre(scaled) };
}

/** The ink's box in the drawing; the contrast around it, the mask of its strokes there, and how far from them soft edges reach. */
function findInk(drawing) {
  const inked = boundingBox(drawing);
  if (!inked) return null;
  const sigma = BLUR * Math.max(drawing.height, drawing.width);
  const window = widenBox(inked, Math.ceil(4 * sigma) + 2, drawing); // beyond it the blurred drawing is 0
  const contrast = gaussianBlur(crop(drawing, window), sigma);
  const threshold = inkThreshold(contrast.data);
  if (!(threshold >= LEAST_THRESHOLD)) return null;
  const strokes = maskOf(contrast, (level) => level > threshold);
  const box = movedBox(boundingBox(strokes), window.top, window.left);
  const surroundings = widenBox(box, Math.floor(longerSide(box) / 2) + 2, drawing);
  return { box, contrast, strokes, reach: Math.max(2, (1.5 * longerSide(surroundings)) / BOX) };
}

function movedBox({ top, left, bottom, right }, down, across) {
  return { top: top + down, left: left + across, bottom: bottom + down, right: right + across };
}

/** The threshold between paper and ink: half the mean contrast of the ink, after two iterations from half the largest contrast. */
function inkThreshold(levels) {
  let threshold = largest(levels) / 2;
  for (let iteration = 0; iteration < 2; iteration++) {
    let [sum, count] = [0, 0];
    for (const level of levels) {
      if (level <= threshold) continue;
      sum += level;
      count += 1;
    }
    threshold = count ? sum / count / 2 : 0;
  }
  return threshold;
}

function largest(numbers) {
  let most = 0;
  for (const number of numbers) most = Math.max(most, number);
  return most;
}

/** Each pixel's share of ink, 0 to 1: that of the strokes and their soft edges, and 0 elsewhere. */
function inkShare({ contrast, strokes, reach }) {
  const full = percentile(contrast.data.filter((_, at) => strokes.data[at]), 75);
  const floor = 0.05 * full;
  const distance = distanceToZeros(maskOf(strokes, (inked) => !inked)).data;
  const shares = mapImage(contrast, (level, at) => (distance[at] <= reach ? clip((level - floor) / (full - floor), 0, 1) : 0));
  const kept = connectedTo(strokes, maskOf(shares, (share) => share > 0)).data;
  return mapImage(shares, (share, at) => (kept[at] ? share : 0));
}

/** Widen the strokes of a thin pen, which would almost vanish at the box's size. */
function thicken(shares, strokes) {
  const scale = BOX / longerSide(boundingBox(strokes));
  const growth = (THINNEST_STROKE / scale - strokeWidth(strokes)) / 2;
  if (growth <= 0) return shares;
  const margin = Math.ceil(growth) + 1;
  const distance = distanceToZeros(maskOf(pad(strokes, margin), (inked) => !inked)).data;
  return mapImage(pad(shares, margin), (share, at) => Math.max(share, clip(1 + growth - distance[at], 0, 1)));
}

/** Estimate the width w of strokes from the mean distance to their edge, which is w/4 + 1/2 across a stroke. */
function strokeWidth(strokes) {
  const depths = distanceToZeros(pad(strokes, 1)).data; // 0 outside the strokes
  const inked = depths.filter((depth) => depth > 0).length;
  return 4 * (depths.reduce((sum, depth) => sum + depth, 0) / inked - 0.5);
}

/** Scale a digit, its proportions kept, to fill the box in one direction. */
function scaleToBox(shares) {
  const ink = crop(shares, boundingBox(shares));
  const longer = Math.max(ink.height, ink.width);
  const [height, width] = [ink.height, ink.width].map((length) => Math.max(1, roundHalfToEven((length * BOX) / longer)));
  const resized = mapImage(resizeBicubic(mapImage(ink, Math.fround), height, width), (share) => clip(share, 0, 1));
  const strongest = largest(resized.data);
  return mapImage(resized, (share) => share / strongest);
}

/** Place a digit in the 28 x 28 field with its centre of mass at the centre, or as near to it as the digit fits. */
function placeAtCentre(scaled) {
  const mass = centreOfMass(scaled);
  const top = clip(roundHalfToEven(CENTRE - mass.row), 0, SIDE - scaled.height);
  const left = clip(roundHalfToEven(CENTRE - mass.column), 0, SIDE - scaled.width);
  const pixels = new Uint8Array(SIDE * SIDE);
  scaled.data.forEach((share, at) => {
    const row = Math.floor(at / scaled.width);
    const column = at - row * scaled.width;
    pixels[(top + row) * SIDE + left + column] = roundHalfToEven(255 * share);
  });
  return { top, left, pixels };
}

/** The centre of mass of an image, as a row and a column. */
export function centreOfMass({ height, width, data }) {
  const rows = new Float64Array(height);
  const columns = new Float64Array(width);
  data.forEach((mass, at) => {
    rows[Math.floor(at / width)] += mass;
    columns[at % width] += mass;
  });
  return { row: meanPlace(rows), column: meanPlace(columns) };
}

/** The mean place of masses on a line, without the last digits: a symmetric digit's is exactly a half, whatever the sums' order. */
function meanPlace(masses) {
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  const mean = masses.reduce((sum, mass, place) => sum + place * mass, 0) / total;
  return Math.round(mean * 1e9) / 1e9;
}

function clip(value, low, high) {
  return Math.min(Math.max(value, low), high);
}
