/** One run of the server, as this tab follows it. */

import { get, post, remove } from "../shared/api.js";
import { decodeBytes } from "../shared/bytes.js";

const NO_PICTURES = { weights: null, deltas: [], boundary: null };

export class RunWatch {
  /** `description` is the server's; `onChange` is called with each new frame. */
  constructor(events, description, onChange) {
    Object.assign(this, { events, description, onChange });
    this.frame = { ...NO_PICTURES, ...description };
    this.isOwn = false; // whether this tab has made the run, and removes it when it is done with it
    this.isLost = false; // whether the server no longer has the run
  }

  static async create(events, settings, onChange) {
    return Object.assign(new RunWatch(events, await post("/api/runs", settings), onChange), { isOwn: true });
  }

  static async open(events, id, onChange) {
    return new RunWatch(events, await get(`/api/runs/${encodeURIComponent(id)}`), onChange);
  }

  get id() {
    return this.description.id;
  }

  get topic() {
    return `run:${this.id}`;
  }

  get state() {
    return this.frame.state;
  }

  /** Whether the training is another process's, and only watched. */
  get isWatchedOnly() {
    return !this.description.settings;
  }

  get hasEnded() {
    return ["finished", "diverged", "failed"].includes(this.state);
  }

  /** Take the run's frames; `leave` ends it. */
  follow() {
    if (this.isLost) return;
    this.events.subscribe(this.topic, (frame) => {
      if (frame.gone) this.isLost = true;
      else this.frame = decodeFrame(frame);
      this.onChange();
    });
  }

  leave() {
    this.events.unsubscribe(this.topic);
  }

  /** Ask the server to "start", "pause", "step" or "reset" the run. */
  async ask(verb) {
    this.frame = { ...this.frame, ...(await post(`/api/runs/${this.id}/${verb}`)) };
  }

  /** Stop following the run, and remove it from the server, if this tab has made it. */
  async remove() {
    this.leave();
    if (!this.isLost && this.isOwn) await remove(`/api/runs/${this.id}`);
  }
}

/** Decode the pictures of a frame from base64. */
function decodeFrame({ weights, boundary, ...frame }) {
  return {
    ...frame,
    weights: weights && { ...weights, pixels: decodeBytes(weights.pixels) },
    boundary: boundary && { ...boundary, values: decodeBytes(boundary.values) },
  };
}
