/** The three steps from a drawing to the network's input, shown as pictures. */

import { inkColors } from "../shared/colormap.js";
import { drawPixels, inkOf } from "../shared/picture.js";
import { paintStrokes } from "./drawing_canvas.js";
import { BOX, CENTRE, SIDE } from "./mnist_form.js";

const MARK = "#2563eb";

export class FormView {
  constructor({ drawn, scaled, input }) {
    Object.assign(this, { drawn, scaled, input });
    this.input.parentElement.append(...centreLines());
  }

  /** Show a drawing's strokes and its form, which is null for a blank drawing. */
  show(strokes, form) {
    const ink = inkOf(this.input);
    const context = paintStrokes(this.drawn, strokes);
    if (form) outline(context, form.box);
    const blank = { height: BOX, width: BOX, data: new Float64Array(BOX * BOX) };
    const { height, width, data } = form?.scaled ?? blank;
    drawPixels(this.scaled, inBox(inkColors(data, ink), height, width), BOX, BOX);
    drawPixels(this.input, inkColors(shares(form?.pixels ?? new Uint8Array(SIDE * SIDE)), ink), SIDE, SIDE);
  }
}

function outline(context, { top, left, bottom, right }) {
  context.strokeStyle = MARK;
  context.lineWidth = 4;
  context.strokeRect(left, top, right - left, bottom - top);
}

function shares(levels) {
  return Float64Array.from(levels, (level) => level / 255);
}

/** Put the pixels of a digit in the middle of the box of 20 x 20. */
function inBox(pixels, height, width) {
  const boxed = new Uint8ClampedArray(4 * BOX * BOX);
  const top = Math.floor((BOX - height) / 2);
  const left = Math.floor((BOX - width) / 2);
  for (let row = 0; row < height; row++) boxed.set(pixels.subarray(4 * row * width, 4 * (row + 1) * width), 4 * ((top + row) * BOX + left));
  return boxed;
}

/** Lines through (14, 14), where the centre of mass is. */
function centreLines() {
  return ["horizontal", "vertical"].map((direction) => {
    const line = document.createElement("span");
    line.className = `centre-line ${direction}`;
    line.style.setProperty("--at", `${(100 * (CENTRE + 0.5)) / SIDE}%`);
    return line;
  });
}
