/** The runs of the server, of all tabs and of a watched folder, behind a disclosure. */

import { get } from "../shared/api.js";
import { element } from "../shared/dom.js";
import { differences, startingSettings } from "./settings.js";

const REFRESH = 1000; // milliseconds between two looks at the server's runs, while the list is open

export class RunList {
  /** `onOpen` and `onRemove` are called with the id of a run; `roleOf` tells what a run is to this tab: "shown", "compared" or "". */
  constructor(details, { onOpen, onRemove, roleOf }) {
    Object.assign(this, { details, onOpen, onRemove, roleOf });
    this.list = details.querySelector("ul");
    this.entries = new Map(); // id -> the run's list item
    details.addEventListener("toggle", () => this.refresh());
    setInterval(() => document.visibilityState === "visible" && this.refresh(), REFRESH);
  }

  /** Show the runs as they are now, if the list is open; an item stays the same element, so that its buttons keep the focus. */
  async refresh() {
    if (!this.details.open || !this.details.offsetParent) return;
    const { runs } = await get("/api/runs").catch(() => ({ runs: [] }));
    const items = runs.map((run) => this.item(run));
    this.entries = new Map(runs.map((run, at) => [run.id, items[at]]));
    if (items.length !== this.list.children.length || items.some((item, at) => item !== this.list.children[at])) this.list.replaceChildren(...items);
  }

  item(run) {
    const item = this.entries.get(run.id) ?? this.newItem(run);
    const role = this.roleOf(run.id);
    const [text, show, end] = item.children;
    const name = nameOf(run);
    const line = `${name}: ${progressOf(run)}${role && ` (${role} here)`}`;
    if (text.textContent !== line) text.textContent = line;
    show.hidden = role !== "";
    end.hidden = role === "shown" || !run.settings;
    show.setAttribute("aria-label", `Show ${line}`);
    end.setAttribute("aria-label", `Remove ${line}`);
    return item;
  }

  newItem({ id }) {
    const show = element("button", { type: "button" }, "Show");
    const end = element("button", { type: "button" }, "Remove");
    show.addEventListener("click", () => this.act(() => this.onOpen(id)));
    end.addEventListener("click", () => this.act(() => this.onRemove(id)));
    return element("li", {}, element("span"), show, end);
  }

  /** Do what a button asks for; the focus goes to the list's heading, since the button disappears. */
  async act(action) {
    await action();
    this.details.querySelector("summary").focus();
    await this.refresh();
  }
}

/** Name a run by its data, its hidden units, and the settings that are not those with which its data set is begun. */
function nameOf({ settings, folder }) {
  if (!settings) return `folder ${folder}`;
  const changes = differences(startingSettings(settings.data), settings).filter(({ name }) => !["hidden", "points"].includes(name));
  const units = settings.hidden.length ? `${settings.hidden.join(", ")} hidden units` : "no hidden units";
  return [settings.data, units, ...changes.map(({ name, values }) => `${name} ${values[1]}`)].join(", ");
}

function progressOf({ state, epoch }) {
  return `${state === "running" ? "training" : (state ?? "watched")}${epoch ? `, epoch ${epoch}` : ""}`;
}
