/** The form of a run's settings. */

import { FIELDS, fieldText, parseField, PLANAR, startingSettings } from "./settings.js";

export class SettingsForm {
  /** `onChange` is called with the settings whenever one was changed. */
  constructor(form, onChange) {
    this.form = form;
    this.onChange = onChange;
    this.points = []; // the user's own, [x, y, class]
    form.addEventListener("change", ({ target }) => target.name in FIELDS && this.changed(target.name));
    form.querySelector("#settings-toggle").addEventListener("click", ({ target }) => this.unfold(target));
    form.addEventListener("submit", (event) => event.preventDefault());
    this.settings = startingSettings("spiral");
  }

  get settings() {
    const values = Object.keys(FIELDS).map((name) => [name, parseField(name, this.form.elements[name].value)]);
    const settings = Object.fromEntries(values);
    return { ...settings, points: settings.data === "points" ? this.points : [] };
  }

  set settings(settings) {
    for (const name of Object.keys(FIELDS)) this.form.elements[name].value = fieldText(name, settings[name]);
    if (settings.data === "points") this.points = settings.points;
    this.showSummary();
  }

  /** Mark the field that a message of the server begins with; an empty message marks none. */
  markRefused(message) {
    const refused = message.match(/^(?:unknown )?(\w+)/)?.[1];
    for (const name of Object.keys(FIELDS)) {
      const field = this.form.elements[name];
      if (name === refused) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }

  /** Show or hide the fields, where a narrow window has only their summary at first. */
  unfold(button) {
    const unfolded = this.form.classList.toggle("unfolded");
    button.setAttribute("aria-expanded", String(unfolded));
    button.textContent = unfolded ? "Hide" : "Change";
  }

  showSummary() {
    const { data, activation, cost, optimizer } = this.form.elements;
    const chosen = (select) => select.selectedOptions[0]?.textContent ?? "";
    const texts = Object.fromEntries(Object.keys(FIELDS).map((name) => [name, this.form.elements[name].value]));
    const layers = `${texts.hidden || "no"} hidden units, ${chosen(activation)}`;
    const training = `${chosen(optimizer)} at ${texts.learning_rate}, batches of ${texts.batch_size}, ${texts.epochs} epochs`;
    this.form.querySelector("#settings-summary").textContent = `${chosen(data)}; ${layers}; ${chosen(cost)}; ${training}`;
  }

  get isPlanar() {
    return PLANAR.has(this.form.elements.data.value);
  }

  /** Respond to a changed field. Another data set brings the settings that suit it. */
  changed(name) {
    if (name === "data") this.settings = { ...startingSettings(this.form.elements.data.value), points: this.points };
    this.showSummary();
    this.onChange(this.settings);
  }

  setPoints(points) {
    this.points = points;
    this.onChange(this.settings);
  }
}
