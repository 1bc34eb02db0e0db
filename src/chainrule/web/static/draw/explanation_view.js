/** The library's explanation of the drawing, fetched from the server. */

import { post } from "../shared/api.js";
import { byId, element, reachScrolled } from "../shared/dom.js";

export class ExplanationView {
  /** `input` gives the present {pixels, answer}, or null for a blank drawing. */
  constructor(input) {
    this.input = input;
    this.truth = null; // the true digit, where the user has chosen it
    this.buttons = Array.from({ length: 10 }, (_, digit) => this.truthButton(digit));
    byId("truth").replaceChildren(...this.buttons);
    byId("why").addEventListener("click", () => this.fetch());
  }

  truthButton(digit) {
    const button = element("button", { type: "button", "aria-pressed": "false", "data-testid": `truth-${digit}` }, String(digit));
    button.addEventListener("click", () => this.choose(this.truth === digit ? null : digit));
    return button;
  }

  choose(digit) {
    this.mark(digit);
    if (!byId("derivation").hidden) this.fetch();
  }

  mark(digit) {
    this.truth = digit;
    this.buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === digit)));
  }

  /** Forget the true digit: the drawing that it was chosen for is gone. */
  forgetTruth() {
    this.mark(null);
  }

  /** Respond to a changed drawing: an explanation of the one before is removed. */
  drawingChanged() {
    byId("why").disabled = !this.input();
    byId("derivation").hidden = true;
    this.showError("");
  }

  /** Fetch and show the derivation; without a chosen digit, the network's answer counts as the true one. */
  async fetch() {
    const input = this.input();
    if (!input) return;
    try {
      this.showError("");
      const { html } = await post("/api/explain", { pixels: [...input.pixels], label: this.truth ?? input.answer });
      if (this.input()?.pixels === input.pixels) this.show(html); // else it was drawn on in the meantime
    } catch (error) {
      this.showError(error.message);
    }
  }

  show(html) {
    const place = byId("derivation");
    const parsed = new DOMParser().parseFromString(html, "text/html");
    for (const style of parsed.querySelectorAll("style, script")) style.remove(); // the page has the style as a file
    place.replaceChildren(...parsed.body.childNodes);
    place.hidden = false;
    reachScrolled(place);
    place.focus({ preventScroll: true });
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    place.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  }

  showError(message) {
    byId("why-error").textContent = message;
    byId("why-error").hidden = !message;
  }
}
