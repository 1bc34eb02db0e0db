/** The page: its tabs, and the deep links #draw and #train?settings. */

import { DrawTab } from "./draw/draw_tab.js";
import { get } from "./shared/api.js";
import { EventStream } from "./shared/event_stream.js";
import { connectTabs } from "./shared/tabs.js";
import { byId } from "./shared/dom.js";
import { TrainTab } from "./train/train_tab.js";

const events = new EventStream();
const views = { draw: new DrawTab(events), train: new TrainTab(events) };

const selectTab = connectTabs(document.querySelector('[role="tablist"]'), (id) => {
  const panel = id.replace("view-", "");
  if (panelOf(location.hash) !== panel) history.replaceState(null, "", `#${views[panel].hash}`);
  document.title = panel === "draw" ? "chainrule: draw a digit" : "chainrule: watch it learn";
  for (const [name, view] of Object.entries(views)) view.setShown(name === panel);
});

function panelOf(hash) {
  return hash.startsWith("#train") ? "train" : "draw";
}

/** The hash with which a page without a link is opened: the Train tab where the server watches a run folder. */
async function firstHash() {
  const { runs } = await get("/api/runs").catch(() => ({ runs: [] }));
  return runs.some(({ folder }) => folder) ? "#train" : "#draw";
}

function followLink() {
  const panel = panelOf(location.hash);
  if (panel === "train") views.train.takeLink(location.hash);
  selectTab(`view-${panel}`);
}

events.onConnection((connected) => {
  byId("connection").hidden = connected;
  byId("connection").textContent = connected ? "" : "The server does not answer. This page goes on when it is back.";
});

if (!location.hash) history.replaceState(null, "", await firstHash());
addEventListener("hashchange", followLink);
followLink();
