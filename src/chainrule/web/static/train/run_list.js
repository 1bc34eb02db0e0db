/** The runs of the server, of all tabs and of a watched folder, behind a disclosure. */

import { get, remove } from "../shared/api.js";
import { element } from "../shared/dom.js";

export class RunList {
  /** `onOpen` is called with the id of the run to follow; `isOwn` tells whether this tab follows it already. */
  constructor(details, { onOpen, isOwn }) {
    Object.assign(this, { details, onOpen, isOwn });
    this.list = details.querySelector("ul");
    details.addEventListener("toggle", () => this.refresh());
  }

  async refresh() {
    if (!this.details.open) return;
    const { runs } = await get("/api/runs").catch(() => ({ runs: [] }));
    this.list.replaceChildren(...runs.map((run) => this.entry(run)));
  }

  entry(run) {
    const own = this.isOwn(run.id);
    const text = element("span", {}, `${nameOf(run)}${own ? " (this tab)" : ""}`);
    const open = element("button", { type: "button", disabled: own, "aria-label": `Show ${nameOf(run)}` }, "Show");
    open.addEventListener("click", () => this.onOpen(run.id));
    const end = element("button", { type: "button", disabled: own || !run.settings, "aria-label": `Remove ${nameOf(run)}` }, "Remove");
    end.addEventListener("click", async () => {
      await remove(`/api/runs/${run.id}`).catch(() => null); // another tab may have removed it
      this.refresh();
    });
    return element("li", {}, text, open, end);
  }
}

function nameOf({ settings, folder, state, epoch }) {
  const what = settings ? `${settings.data} ${settings.hidden.join(", ")} ${settings.activation}` : `folder ${folder}`;
  return `${what}: ${state ?? "watched"}${epoch ? `, epoch ${epoch}` : ""}`;
}
