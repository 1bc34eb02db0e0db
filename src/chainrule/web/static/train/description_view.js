/** What stays the same while a run trains: its formulas, and the lines that reproduce it, which a watched folder has not. */

import { byId, element, reachScrolled } from "../shared/dom.js";
import { toQuery } from "./settings.js";

export function showDescription(description) {
  showFormulas(description.formulas);
  byId("lines-card").hidden = !description.lines;
  byId("run-python").textContent = description.lines?.python ?? "";
  byId("run-cli").textContent = description.lines?.cli ?? "";
  showPointsFile(description.lines?.csv);
  if (description.settings) showLink(description.settings);
}

/** Show the link that holds these settings. */
export function showLink(settings) {
  const link = new URL(`#train?${toQuery(settings)}`, location.href).href;
  byId("run-link").href = link;
  byId("run-link").textContent = link;
}

/** Offer the user's own points as the file that the command line reads. */
function showPointsFile(text) {
  const link = byId("run-csv");
  URL.revokeObjectURL(link.href);
  link.hidden = !text;
  link.href = text ? URL.createObjectURL(new Blob([text], { type: "text/csv" })) : "#train";
}

function showFormulas(formulas) {
  const layers = (formulas?.layers ?? []).map(({ layer, inputs, units, activation, lines }) =>
    formulaBlock(`Layer ${layer}: ${inputs} → ${units}, ${activation.replace("_", " ")}`, lines),
  );
  const error = formulas?.lines.length > 1 ? ", and its error at the output" : "";
  const cost = formulas ? [formulaBlock(`Cost: ${formulas.cost.replace("_", " ")}${error}`, formulas.lines)] : [];
  byId("formulas").replaceChildren(...layers, ...cost);
  reachScrolled(byId("formulas"));
}

/** One block of formulas; the MathML is the library's own. */
function formulaBlock(title, lines) {
  const rows = lines.map(({ mathml }) => {
    const row = element("div", { class: "formula" });
    row.innerHTML = mathml;
    return row;
  });
  return element("div", {}, element("h3", {}, title), ...rows);
}

/** Make the copy buttons copy the text of the element that they name. */
export function connectCopyButtons(root) {
  for (const button of root.querySelectorAll("[data-copies]")) {
    const source = byId(button.dataset.copies);
    button.setAttribute("aria-label", `Copy: ${button.previousElementSibling.textContent}`);
    button.addEventListener("click", () => copy(button, source));
  }
}

async function copy(button, source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source); // where the browser refuses, the text is selected for Ctrl+C
    button.textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 2000);
}
