/** The plane: examples, the decision boundary as it moves, and points of one's own, placed with mouse or keyboard. */

import { drawPixels, followTheme, keepSharp } from "../shared/picture.js";
import { announce } from "../shared/announcer.js";
import { boundaryPixels, boundarySegments } from "./boundary.js";

const LIMIT = 1.2; // the plane shown reaches from -LIMIT to LIMIT on both axes
const STEP = 0.05; // that an arrow key moves the cursor
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const FEW = 100; // points that are drawn larger, such as one's own
const COLORS = ["--minus", "--plus"]; // of class 0, drawn as discs, and class 1, drawn as squares: names of the style sheet

export class Plane {
  /** `onPoint` is called with [x, y] where a point is placed, `onUndo` to take the last one back; both only while editable. */
  constructor(canvas, { onPoint, onUndo }) {
    Object.assign(this, { canvas, onPoint, onUndo });
    this.points = { x: [], y: [], class: [] };
    this.boundary = null;
    this.editable = false;
    this.cursor = null;
    this.field = document.createElement("canvas");
    canvas.addEventListener("click", (event) => this.editable && this.onPoint(this.placeOf(event)));
    canvas.addEventListener("keydown", (event) => this.editable && this.keyPressed(event.key) && event.preventDefault());
    canvas.addEventListener("blur", () => this.moveTo(null));
    keepSharp(canvas, () => this.draw());
    followTheme(() => this.draw());
  }

  /** Show points {x, y, class}, three arrays, and a boundary {side, limit, values}, or null. */
  show(points, boundary) {
    this.points = points;
    this.boundary = boundary;
    this.draw();
  }

  placeOf({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [(2 * (clientX - left)) / width - 1, 1 - (2 * (clientY - top)) / height].map((at) => clipped(at * LIMIT));
  }

  keyPressed(key) {
    if (key in ARROWS) this.moveTo((this.cursor ?? [0, 0]).map((at, axis) => clipped(at + STEP * ARROWS[key][axis])));
    else if (key === "Enter" || key === " ") this.onPoint(this.cursor ?? [0, 0]);
    else if (key === "Backspace") this.onUndo();
    else return false;
    return true;
  }

  moveTo(cursor) {
    this.cursor = cursor;
    if (cursor) announce(`x ${cursor[0].toFixed(2)}, y ${cursor[1].toFixed(2)}`);
    this.draw();
  }

  draw() {
    const context = this.canvas.getContext("2d");
    const side = this.canvas.width;
    context.clearRect(0, 0, side, side);
    if (this.boundary) this.drawBoundary(context, side);
    const unit = side / (2 * LIMIT);
    const position = (x, y) => [(x + LIMIT) * unit, (LIMIT - y) * unit];
    const radius = (this.points.x.length > FEW ? 1 : 1.8) * Math.max(2.5, side / 130);
    const style = getComputedStyle(this.canvas);
    context.strokeStyle = style.backgroundColor;
    context.lineWidth = radius / 3;
    const colors = COLORS.map((name) => style.getPropertyValue(name));
    this.points.x.forEach((x, k) => {
      context.fillStyle = colors[this.points.class[k]];
      drawPoint(context, position(x, this.points.y[k]), this.points.class[k], radius);
    });
    if (this.cursor) drawCursor(context, position(...this.cursor), 3 * radius, getComputedStyle(this.canvas).color);
  }

  /** Draw the classes' fields, and the line between them. The grid's points lie on the plane's rim, so half a cell is beyond it. */
  drawBoundary(context, size) {
    const { side, values } = this.boundary;
    drawPixels(this.field, boundaryPixels(values, side), side, side);
    const cell = size / (side - 1);
    context.imageSmoothingEnabled = true;
    context.drawImage(this.field, -cell / 2, -cell / 2, size + cell, size + cell);
    context.strokeStyle = getComputedStyle(this.canvas).color;
    context.lineWidth = size / 300;
    context.beginPath();
    for (const [from, to] of boundarySegments(values, side)) {
      context.moveTo(from[0] * cell, size - from[1] * cell);
      context.lineTo(to[0] * cell, size - to[1] * cell);
    }
    context.stroke();
  }
}

/** Points of one's own must lie within -1 and 1; two decimals place them well enough. */
function clipped(at) {
  return Math.round(100 * Math.min(Math.max(at, -1), 1)) / 100;
}

function drawPoint(context, [x, y], label, radius) {
  context.beginPath();
  if (label) context.rect(x - 0.9 * radius, y - 0.9 * radius, 1.8 * radius, 1.8 * radius);
  else context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
}

function drawCursor(context, [x, y], reach, color) {
  context.strokeStyle = color;
  context.beginPath();
  context.moveTo(x - reach, y);
  context.lineTo(x + reach, y);
  context.moveTo(x, y - reach);
  context.lineTo(x, y + reach);
  context.stroke();
}
