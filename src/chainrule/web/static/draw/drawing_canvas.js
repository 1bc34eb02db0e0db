/** The canvas on which a digit is drawn, with mouse, pen, touch or keyboard. */

import { followTheme, keepSharp } from "../shared/picture.js";
import { blankRaster, drawSegment, drawStroke, PAPER } from "./strokes.js";

const STEP = 10; // units of the paper that an arrow key moves the cursor
const SMALL_STEP = 3; // with Shift
const DOT = 0.01; // the length that lets a stroke of one point be painted: a line without length is not
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class DrawingCanvas {
  /** `onChange` is called whenever the ink changed. */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.penWidth = 22;
    this.strokes = [];
    this.raster = blankRaster();
    this.stroke = null; // the one being drawn
    this.cursor = [PAPER / 2, PAPER / 4];
    this.cursorShown = false;
    this.hovered = null; // where a mouse or a pen is above the canvas
    this.penShown = false; // whether the pen is shown in the middle, since its width is being chosen
    this.held = new Set(); // arrow keys
    this.followPointer();
    this.followKeys();
    keepSharp(canvas, () => this.redraw());
    followTheme(() => this.redraw());
  }

  get isBlank() {
    return this.strokes.length === 0;
  }

  undo() {
    this.stroke = null;
    this.strokes.pop();
    this.raster = blankRaster();
    for (const stroke of this.strokes) drawStroke(this.raster, stroke);
    this.redraw();
    this.onChange();
  }

  clear() {
    this.stroke = null;
    this.strokes = [];
    this.raster = blankRaster();
    this.redraw();
    this.onChange();
  }

  /** Show the pen in the middle of the canvas while its width is being chosen. */
  showPen(shown) {
    this.penShown = shown;
    this.redraw();
  }

  setPenWidth(width) {
    this.penWidth = width;
    this.redraw();
  }

  begin(point) {
    this.stroke = { width: this.penWidth, points: [] };
    this.strokes.push(this.stroke);
    this.extend([point]);
  }

  /** Continue the stroke through points. */
  extend(points) {
    for (const point of points) {
      const last = this.stroke.points.at(-1) ?? point;
      this.stroke.points.push(point);
      drawSegment(this.raster, last, point, this.stroke.width);
    }
    this.redraw();
    this.onChange();
  }

  end() {
    this.stroke = null;
    this.redraw();
  }

  followPointer() {
    const { canvas } = this;
    let pointer = null; // a second finger or a palm does not draw
    canvas.addEventListener("pointerdown", (event) => {
      if (pointer !== null || event.button !== 0) return;
      pointer = event.pointerId;
      canvas.setPointerCapture(pointer);
      this.cursorShown = false;
      this.begin(this.pointOf(event));
    });
    canvas.addEventListener("pointermove", (event) => this.hover(event.pointerType === "touch" ? null : this.pointOf(event)));
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer || !this.stroke) return;
      const events = event.getCoalescedEvents?.() ?? [];
      this.extend((events.length ? events : [event]).map((each) => this.pointOf(each)));
    });
    const release = (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      this.end();
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
  }

  hover(point) {
    if (!point && !this.hovered) return;
    this.hovered = point;
    this.redraw();
  }

  pointOf({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [((clientX - left) * PAPER) / width, ((clientY - top) * PAPER) / height];
  }

  followKeys() {
    const { canvas } = this;
    canvas.addEventListener("keydown", (event) => {
      if (this.keyPressed(event)) event.preventDefault();
    });
    canvas.addEventListener("keyup", ({ key }) => {
      this.held.delete(key);
      if (key === " ") this.end();
    });
    canvas.addEventListener("blur", () => {
      this.held.clear();
      this.cursorShown = false;
      this.end();
    });
  }

  /** Respond to a key; the result is whether it has a meaning here. */
  keyPressed({ key, shiftKey, ctrlKey, metaKey, repeat }) {
    if (key in ARROWS) this.moveCursor(key, shiftKey ? SMALL_STEP : STEP);
    else if (key === " ") repeat || this.penDown();
    else if (key === "Backspace" || (key === "z" && (ctrlKey || metaKey))) this.undo();
    else if (key === "Delete" || key === "Escape") this.clear();
    else return false;
    return true;
  }

  penDown() {
    this.cursorShown = true;
    this.begin([...this.cursor]);
  }

  /** Move the cursor in the directions of all arrow keys that are held. */
  moveCursor(key, step) {
    this.held.add(key);
    this.cursorShown = true;
    for (const arrow of this.held) {
      this.cursor = this.cursor.map((at, axis) => Math.min(Math.max(at + step * ARROWS[arrow][axis], 0), PAPER));
    }
    if (this.stroke) this.extend([[...this.cursor]]);
    else this.redraw();
  }

  redraw() {
    const context = paintStrokes(this.canvas, this.strokes);
    if (this.hovered) this.drawPen(context, this.hovered);
    if (this.penShown) this.drawPen(context, [PAPER / 2, PAPER / 2], { filled: true });
    if (this.cursorShown) this.drawCursor(context);
  }

  /** Draw the pen's outline, which is no ink: blue within the paper's colour, so that it is seen on ink and on paper. */
  drawPen(context, [x, y], { filled = false } = {}) {
    const style = getComputedStyle(this.canvas);
    context.beginPath();
    context.arc(x, y, this.penWidth / 2, 0, 2 * Math.PI);
    context.strokeStyle = style.backgroundColor;
    context.lineWidth = 3;
    context.stroke();
    context.fillStyle = context.strokeStyle = style.getPropertyValue("--mark");
    context.lineWidth = 1.2;
    context.stroke();
    if (filled) context.fill();
  }

  drawCursor(context) {
    const [x, y] = this.cursor;
    context.strokeStyle = this.stroke ? "#2563eb" : "#ea6c14";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, this.penWidth / 2, 0, 2 * Math.PI);
    context.moveTo(x - 16, y);
    context.lineTo(x + 16, y);
    context.moveTo(x, y - 16);
    context.lineTo(x, y + 16);
    context.stroke();
  }
}

/** Paint strokes on a canvas in its text colour; the result is its context, in units of the paper. */
export function paintStrokes(canvas, strokes) {
  const context = canvas.getContext("2d");
  const scale = canvas.width / PAPER;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, PAPER, PAPER);
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineCap = context.lineJoin = "round";
  for (const { width, points } of strokes) {
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(...points[0]);
    for (const point of points) context.lineTo(...point);
    if (points.length === 1) context.lineTo(points[0][0] + DOT, points[0][1]);
    context.stroke();
  }
  return context;
}
