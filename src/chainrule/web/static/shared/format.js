/** Numbers as text. */

export function percent(fraction) {
  return Number.isFinite(fraction) ? `${(100 * fraction).toFixed(2)} %` : "–";
}

/** A number with three or so significant digits, and a true minus sign. */
export function number(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 0.001 || size >= 1e6) ? value.toExponential(1) : size >= 100 ? value.toFixed(0) : value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3);
  return text.replace("-", "−");
}

/** A signed number with two decimals. */
export function signed(value) {
  const size = Math.abs(value).toFixed(2);
  return Number(size) === 0 ? size : (value < 0 ? "−" : "+") + size;
}
