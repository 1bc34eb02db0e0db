/**
 * The operations of SciPy, NumPy and Pillow from which MNIST's form is computed, with the same results.
 *
 * An image is {height, width, data}; data holds height * width numbers, row by row. A mask is an image of zeros and ones.
 */

const FAR = 1e10; // stands for an infinite squared distance; larger than that of any two pixels

export function image(height, width, data = new Float64Array(height * width)) {
  return { height, width, data };
}

export function mapImage({ height, width, data }, compute) {
  const result = new Float64Array(data.length);
  for (let at = 0; at < data.length; at++) result[at] = compute(data[at], at);
  return image(height, width, result);
}

/** The mask of the pixels for which a test holds. */
export function maskOf({ height, width, data }, test) {
  const mask = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) mask[at] = test(data[at]) ? 1 : 0;
  return image(height, width, mask);
}

/** Round to the nearest integer, and a half to the even one, as Python's round and NumPy's rint do. */
export function roundHalfToEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The rows and columns that contain ink: {top, left, bottom, right}, the last two exclusive; null for a blank image. */
export function boundingBox({ height, width, data }) {
  const box = { top: height, left: width, bottom: 0, right: 0 };
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (!data[row * width + column]) continue;
      box.top = Math.min(box.top, row);
      box.bottom = row + 1;
      box.left = Math.min(box.left, column);
      box.right = Math.max(box.right, column + 1);
    }
  }
  return box.bottom > 0 ? box : null;
}

export function longerSide(box) {
  return Math.max(box.bottom - box.top, box.right - box.left);
}

/** Widen a box by a margin on each side, within an image. */
export function widenBox(box, margin, { height, width }) {
  return {
    top: Math.max(0, box.top - margin),
    left: Math.max(0, box.left - margin),
    bottom: Math.min(height, box.bottom + margin),
    right: Math.min(width, box.right + margin),
  };
}

export function crop(source, { top, left, bottom, right }) {
  const width = right - left;
  const data = new source.data.constructor((bottom - top) * width);
  for (let row = top; row < bottom; row++) {
    const start = row * source.width + left;
    data.set(source.data.subarray(start, start + width), (row - top) * width);
  }
  return image(bottom - top, width, data);
}

/** Surround an image with zeros. */
export function pad(source, margin) {
  const width = source.width + 2 * margin;
  const height = source.height + 2 * margin;
  const data = new source.data.constructor(height * width);
  for (let row = 0; row < source.height; row++) {
    const line = source.data.subarray(row * source.width, (row + 1) * source.width);
    data.set(line, (row + margin) * width + margin);
  }
  return image(height, width, data);
}

/** The linearly interpolated percentile of numbers (numpy.percentile). */
export function percentile(numbers, percent) {
  const sorted = Float64Array.from(numbers).sort();
  const place = ((sorted.length - 1) * percent) / 100;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

/** Convolve rows and columns with a Gaussian cut off at 4 sigma; the image is mirrored at its rim (scipy.ndimage.gaussian_filter). */
export function gaussianBlur(source, sigma) {
  const radius = Math.floor(4 * sigma + 0.5);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, k) => Math.exp(-0.5 * ((k - radius) / sigma) ** 2));
  const total = kernel.reduce((sum, value) => sum + value, 0);
  const normal = kernel.map((value) => value / total);
  return transpose(convolveRows(transpose(convolveRows(source, normal)), normal));
}

function convolveRows({ height, width, data }, kernel) {
  const radius = (kernel.length - 1) / 2;
  const line = new Float64Array(width + 2 * radius);
  const result = new Float64Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let at = 0; at < line.length; at++) line[at] = data[row * width + mirrored(at - radius, width)];
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) sum += kernel[k] * line[column + k];
      result[row * width + column] = sum;
    }
  }
  return image(height, width, result);
}

/** Reflect a position at the ends of a line: ... 1 0 | 0 1 2 ... */
function mirrored(position, length) {
  while (position < 0 || position >= length) position = position < 0 ? -1 - position : 2 * length - 1 - position;
  return position;
}

function transpose({ height, width, data }) {
  const result = new data.constructor(data.length);
  for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) result[column * height + row] = data[row * width + column];
  return image(width, height, result);
}

/**
 * The distance of each pixel from the nearest zero of a mask, which must have one (scipy.ndimage.distance_transform_edt).
 *
 * Columns, then rows, are transformed by the lower envelope of parabolas (Felzenszwalb and Huttenlocher 2012): exact, linear in time.
 */
export function distanceToZeros(mask) {
  const squared = mapImage(mask, (inked) => (inked ? FAR : 0));
  const columns = transpose(squared);
  transformRows(columns);
  const rows = transpose(columns);
  transformRows(rows);
  return mapImage(rows, Math.sqrt);
}

function transformRows({ height, width, data }) {
  const work = { line: new Float64Array(width), vertices: new Int32Array(width), bounds: new Float64Array(width + 1) };
  for (let row = 0; row < height; row++) {
    work.line.set(data.subarray(row * width, (row + 1) * width));
    lowerEnvelope(work, data.subarray(row * width, (row + 1) * width));
  }
}

/** For each position q the least of line[p] + (q - p)^2 over all p. */
function lowerEnvelope({ line, vertices, bounds }, result) {
  let last = 0;
  vertices[0] = 0;
  bounds[0] = -Infinity;
  bounds[1] = Infinity;
  for (let q = 1; q < line.length; q++) {
    let crossing = crossingOf(line, q, vertices[last]);
    while (crossing <= bounds[last]) crossing = crossingOf(line, q, vertices[--last]);
    vertices[++last] = q;
    bounds[last] = crossing;
    bounds[last + 1] = Infinity;
  }
  for (let q = 0, k = 0; q < line.length; q++) {
    while (bounds[k + 1] < q) k++;
    result[q] = line[vertices[k]] + (q - vertices[k]) ** 2;
  }
}

function crossingOf(line, q, p) {
  return (line[q] + q * q - line[p] - p * p) / (2 * (q - p));
}

/** The part of a mask that is connected, along diagonals too, with a seed (scipy.ndimage.label with eight neighbours). */
export function connectedTo(seeds, { height, width, data }) {
  const reached = new Uint8Array(data.length);
  const pending = [];
  const reach = (at) => {
    reached[at] = 1;
    pending.push(at);
  };
  for (let at = 0; at < data.length; at++) if (data[at] && seeds.data[at]) reach(at);
  while (pending.length) {
    const at = pending.pop();
    const row = Math.floor(at / width);
    const column = at - row * width;
    for (let r = Math.max(0, row - 1); r <= Math.min(height - 1, row + 1); r++) {
      for (let c = Math.max(0, column - 1); c <= Math.min(width - 1, column + 1); c++) {
        if (data[r * width + c] && !reached[r * width + c]) reach(r * width + c);
      }
    }
  }
  return image(height, width, reached);
}

/** Resize by cubic convolution, widened where the image shrinks so that it does not alias (Pillow's BICUBIC of 32-bit floats). */
export function resizeBicubic(source, height, width) {
  const narrow = width === source.width ? source : resizeRows(source, width);
  return height === source.height ? narrow : transpose(resizeRows(transpose(narrow), height));
}

function resizeRows(source, width) {
  const taps = resamplingTaps(source.width, width);
  const data = new Float64Array(source.height * width);
  for (let row = 0; row < source.height; row++) {
    for (let column = 0; column < width; column++) {
      const { first, weights } = taps[column];
      const start = row * source.width + first;
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * source.data[start + k];
      data[row * width + column] = Math.fround(sum);
    }
  }
  return image(source.height, width, data);
}

/** For each new pixel the first old pixel under the kernel, and the weights of the old pixels from there. */
function resamplingTaps(oldLength, newLength) {
  const scale = oldLength / newLength;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: newLength }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
    const end = Math.min(oldLength, Math.trunc(centre + 2 * stretch + 0.5));
    const weights = Array.from({ length: end - first }, (__, k) => cubic((k + first - centre + 0.5) / stretch));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

/** The cubic convolution kernel with a = -1/2 (Keys 1981). */
function cubic(x) {
  const distance = Math.abs(x);
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  return distance < 2 ? ((-0.5 * distance + 2.5) * distance - 4) * distance + 2 : 0;
}
