/** The comparison of two runs: the settings in which they differ, and how far and how good each is. */

import { byId, element, reachScrolled } from "../shared/dom.js";
import { count, number, percent } from "../shared/format.js";
import { newestNumbers } from "./run_view.js";
import { differences } from "./settings.js";

/** Show a kept run beside the present one, of which `next` are the settings of the next start; all may be null. */
export function showComparison(kept, present, next) {
  byId("compared").hidden = !kept;
  if (!kept || !present) return;
  const settings = settingsThatDiffer(kept, present);
  const head = ["run", ...settings.map(({ name }) => name), "epoch", "cost", "accuracy"];
  const rows = [kept, present].map((run, at) => row(run, at ? "this run" : "kept run", at ? "present" : "kept", settings.map(({ values }) => values[at])));
  byId("comparison").tHead.replaceChildren(element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name))));
  byId("comparison").tBodies[0].replaceChildren(...rows);
  byId("compared-note").textContent = noteOf(kept, next);
  reachScrolled(byId("compared"));
}

function settingsThatDiffer({ description: kept }, { description: present }) {
  return kept.settings && present.settings ? differences(kept.settings, present.settings) : [];
}

function row({ description, frame }, name, style, values) {
  const { cost, accuracy } = newestNumbers(frame.curves);
  const title = description.folder ? `${name}: folder ${description.folder}` : name;
  const texts = [...values, count(frame.epoch), number(cost ?? NaN), percent(accuracy ?? NaN)];
  return element("tr", {}, element("th", { scope: "row", class: `run-key ${style}` }, title), ...texts.map((text) => element("td", {}, text)));
}

function noteOf({ description: { settings } }, next) {
  const same = settings && next && differences(settings, next).length === 0;
  return same ? "Both runs have the same settings; change one and press Start." : "";
}
