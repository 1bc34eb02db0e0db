/** Colours of a picture's numbers, those of chainrule's `explaining/colormap.py`. */

export const BLUE = [37, 99, 235];
export const ORANGE = [234, 108, 20];

/**
 * Map signed numbers to pixels: blue above 0 and orange below, and the more transparent the nearer they are to 0.
 *
 * `fullScale` is the absolute value drawn in the strongest colour.
 */
export function signedColors(values, fullScale) {
  const pixels = new Uint8ClampedArray(4 * values.length);
  for (let at = 0; at < values.length; at++) {
    const value = fullScale > 0 ? values[at] / fullScale : 0;
    pixels.set(value > 0 ? BLUE : ORANGE, 4 * at);
    pixels[4 * at + 3] = 255 * Math.min(Math.abs(value), 1) ** 0.7;
  }
  return pixels;
}

/** Map shares of ink, 0 to 1, to a colour of that opacity. */
export function inkColors(shares, color) {
  const pixels = new Uint8ClampedArray(4 * shares.length);
  for (let at = 0; at < shares.length; at++) {
    pixels.set(color, 4 * at);
    pixels[4 * at + 3] = 255 * Math.min(Math.max(shares[at], 0), 1);
  }
  return pixels;
}

/** The largest absolute value. */
export function largestMagnitude(values) {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}
