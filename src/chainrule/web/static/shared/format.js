/** Numbers as text. */

export function percent(fraction) {
  return Number.isFinite(fraction) ? `${(100 * fraction).toFixed(2)} %` : "–";
}

/** A number with three significant digits, or all of a whole part that is longer, and a true minus sign. */
export function number(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size < 1e6 && (size >= 999.5 || Number.isInteger(value))) return count(Math.round(value));
  return (size < 0.001 || size >= 1e6 ? value.toExponential(2) : value.toPrecision(3)).replaceAll("-", "−");
}

/** A whole number, with a comma between thousands. */
export function count(value) {
  return value.toLocaleString("en-US").replace("-", "−");
}

/** A signed number with two decimals. */
export function signed(value) {
  const size = Math.abs(value).toFixed(2);
  return Number(size) === 0 ? size : (value < 0 ? "−" : "+") + size;
}
