/** Canvases with one pixel for each number, and canvases as sharp as the screen. */

/** Draw pixels, 4 bytes each, on a canvas that gets their size. */
export function drawPixels(canvas, pixels, height, width) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
}

/** The red, green and blue of an element's text colour, which follows the theme. */
export function inkOf(node) {
  return getComputedStyle(node).color.match(/[\d.]+/g).slice(0, 3).map(Number);
}

/** Call `draw` now, and again whenever the theme changes. */
export function followTheme(draw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
}

/** Keep a canvas as sharp as the screen: it gets the size of its box in device pixels, and is drawn again when that changes. */
export function keepSharp(canvas, draw) {
  const resize = () => {
    const { width, height } = canvas.getBoundingClientRect();
    if (!width || !height) return;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    draw();
  };
  new ResizeObserver(resize).observe(canvas);
}
