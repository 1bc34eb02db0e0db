/** The Train tab: a form of settings, a run of the server, and what it shows while it learns. */

import { announce } from "../shared/announcer.js";
import { get, remove } from "../shared/api.js";
import { byId } from "../shared/dom.js";
import { showComparison } from "./comparison_view.js";
import { connectCopyButtons, showDescription, showLink } from "./description_view.js";
import { Plane } from "./plane.js";
import { RunList } from "./run_list.js";
import { RunView } from "./run_view.js";
import { RunWatch } from "./run_watch.js";
import { fromQuery, toQuery } from "./settings.js";
import { SettingsForm } from "./settings_form.js";

const KEY = "chainrule-run"; // of the session storage, which survives a reload: the id of this tab's run
const PAUSE_OF_TYPING = 300; // milliseconds after a change until a run with the new settings is made

export class TrainTab {
  constructor(events) {
    this.events = events;
    this.current = null; // the RunWatch of this tab
    this.kept = null; // the RunWatch that it is compared with
    this.shown = false;
    this.linked = false; // whether the page was opened by a link with settings
    this.form = new SettingsForm(byId("settings"), () => this.settingsChanged());
    this.view = new RunView();
    this.plane = new Plane(byId("plane"), { onPoint: (at) => this.addPoint(at), onUndo: () => this.removePoint() });
    this.list = new RunList(byId("others"), { onOpen: (id) => this.open(id), onRemove: (id) => this.remove(id), roleOf: (id) => this.roleOf(id) });
    this.connectButtons();
    connectCopyButtons(byId("view-train"));
    addEventListener("pagehide", () => this.dropUntrained());
    this.render();
  }

  get hash() {
    return this.watchesFolder ? "train" : `train?${toQuery(this.form.settings)}`;
  }

  /** Whether the run that is shown is another process's: its folder is only watched. */
  get watchesFolder() {
    return this.current?.isWatchedOnly ?? false;
  }

  /** Take the settings of a link. */
  takeLink(hash) {
    const query = hash.split("?")[1];
    if (!query || (query === toQuery(this.form.settings) && !this.watchesFolder)) return;
    this.linked = true;
    this.form.settings = fromQuery(query);
    if (this.watchesFolder) this.attempt(() => this.renew());
    else if (this.current) this.settingsChanged();
  }

  setShown(shown) {
    this.shown = shown;
    for (const watch of [this.current, this.kept]) shown ? watch?.follow() : watch?.leave();
    if (shown && !this.current) this.attempt(() => this.restore());
  }

  connectButtons() {
    const actions = {
      "train-start": () => this.start(),
      "train-pause": () => this.current.ask("pause"),
      "train-step": () => this.step(),
      "train-reset": () => this.current.ask("reset"),
      "own-run": () => this.renew(),
      compare: () => this.keep(),
      "compare-end": () => this.endComparison(),
    };
    for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", () => this.attempt(action));
    byId("points-undo").addEventListener("click", () => this.removePoint());
    byId("points-clear").addEventListener("click", () => this.form.setPoints([]));
  }

  /** Do what a button asks for, one thing at a time, and show the reason where the server refuses. */
  async attempt(action) {
    const before = this.acting;
    this.acting = (async () => {
      await before;
      try {
        this.showError("");
        await action();
      } catch (error) {
        this.showError(error.message);
      }
      this.render();
    })();
    await this.acting;
  }

  showError(message) {
    byId("run-error").textContent = message;
    byId("run-error").hidden = !message;
    this.form.markRefused(message);
  }

  // The run of this tab

  /** Go on with this tab's run after a reload; else show the run folder that the server watches; else make a run. */
  async restore() {
    const { id, isOwn } = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
    const found = id && (await this.watch(id).catch(() => null));
    if (found && this.fitsLink(found.description)) return this.adopt(Object.assign(found, { isOwn }));
    const { runs } = await get("/api/runs");
    const watched = runs.find(({ folder }) => folder);
    if (watched && !this.linked) return this.adopt(await this.watch(watched.id));
    return this.isComplete ? this.renew() : null;
  }

  /** Whether a run is that of the link by which the page was opened. */
  fitsLink({ settings }) {
    return !this.linked || (settings && toQuery(settings) === toQuery(this.form.settings));
  }

  watch(id) {
    return RunWatch.open(this.events, id, () => this.frameArrived());
  }

  /** Follow another run of the server, which stays there when this tab leaves it. */
  open(id) {
    return this.attempt(async () => this.adopt(await this.watch(id)));
  }

  /** What a run is to this tab: "shown", "compared", or nothing. */
  roleOf(id) {
    if (id === this.current?.id) return "shown";
    return id === this.kept?.id ? "compared" : "";
  }

  /** Remove a run that this tab does not show; with the compared one the comparison ends. */
  remove(id) {
    return this.attempt(() => (id === this.kept?.id ? this.endComparison() : remove(`/api/runs/${id}`)));
  }

  /** Take a run that another page has made, with its settings. */
  adopt(watch) {
    if (watch.description.settings) this.form.settings = watch.description.settings;
    this.take(watch);
  }

  take(watch) {
    if (this.current && this.current !== this.kept) this.current.leave();
    this.current = watch;
    if (this.shown) watch.follow();
    sessionStorage.setItem(KEY, JSON.stringify({ id: watch.id, isOwn: watch.isOwn }));
    showDescription(watch.description);
    this.followLink();
    this.list.refresh();
  }

  /** Make a run with the form's settings, in place of the present one. */
  async renew() {
    const old = this.current;
    this.take(await RunWatch.create(this.events, this.form.settings, () => this.frameArrived()));
    if (old && old !== this.kept) await old.remove();
    this.list.refresh();
  }

  /** Whether a start must make another run: there is none of this tab's own with the form's settings. */
  get isOutdated() {
    const { current } = this;
    return !current || current.isLost || this.watchesFolder || toQuery(current.description.settings) !== toQuery(this.form.settings);
  }

  async start() {
    if (this.isOutdated) await this.renew();
    if (this.current.hasEnded) await this.current.ask("reset");
    await this.current.ask("start");
  }

  async step() {
    if (this.isOutdated) await this.renew();
    await this.current.ask("step");
  }

  /** Keep the run for comparison, and make another one. */
  async keep() {
    await this.endComparison();
    this.kept = this.current;
    await this.renew();
    announce("The run is kept for comparison. Change a setting and press Start.");
  }

  async endComparison() {
    const kept = this.kept;
    this.kept = null;
    if (kept && kept !== this.current) await kept.remove();
    this.list.refresh();
  }

  /** A changed setting makes another run at once where the present one has not been trained; else the next start does. */
  settingsChanged() {
    this.followLink();
    this.render();
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.attempt(() => this.renewUntrained()), PAUSE_OF_TYPING);
  }

  async renewUntrained() {
    const untrained = !this.current || (this.current.state === "ready" && !this.watchesFolder);
    if (untrained && this.isOutdated && this.isComplete) await this.renew();
  }

  /** Whether a run can be made of the settings: points of one's own must be of both classes. */
  get isComplete() {
    const { data, points } = this.form.settings;
    return data !== "points" || new Set(points.map((point) => point[2])).size === 2;
  }

  followLink() {
    showLink(this.form.settings);
    if (this.shown) history.replaceState(null, "", `#${this.hash}`);
  }

  /** Remove a run that nobody trained when the page is left. */
  dropUntrained() {
    if (this.current?.state !== "ready" || !this.current.isOwn) return;
    fetch(`/api/runs/${this.current.id}`, { method: "DELETE", keepalive: true });
    sessionStorage.removeItem(KEY);
    this.current.isLost = true;
  }

  // Points of one's own

  addPoint([x, y]) {
    const label = Number(document.querySelector('[name="point-class"]:checked').value);
    this.form.setPoints([...this.form.points, [x, y, label]]);
  }

  removePoint() {
    this.form.setPoints(this.form.points.slice(0, -1));
  }

  // What is shown

  frameArrived() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      this.render();
    });
  }

  render() {
    const frame = this.current?.frame ?? null;
    this.view.show(frame, this.kept?.frame ?? null);
    this.renderPlane(frame);
    this.renderButtons();
    this.renderNotes(frame);
    this.announceState(frame);
  }

  renderPlane(frame) {
    const { data, points } = this.form.settings;
    const own = data === "points" && !this.watchesFolder;
    const given = this.current?.description.points;
    byId("plane-card").hidden = !own && !given;
    byId("points-tools").hidden = !own;
    byId("points-count").textContent = own ? `${points.length} points` : "";
    this.plane.editable = own;
    byId("plane").setAttribute("role", own ? "application" : "img");
    const shown = own ? { x: points.map((at) => at[0]), y: points.map((at) => at[1]), class: points.map((at) => at[2]) } : given;
    const isOfThese = !own || this.current?.description.settings?.data === "points";
    if (shown) this.plane.show(shown, isOfThese ? (frame?.boundary ?? null) : null);
  }

  renderButtons() {
    const { current, watchesFolder } = this;
    byId("fields").hidden = watchesFolder;
    byId("watched-help").hidden = byId("own-run").hidden = !watchesFolder;
    byId("settings-toggle").hidden = byId("settings-summary").hidden = watchesFolder;
    const own = current && !current.isLost && !watchesFolder;
    const running = own && current.state === "running";
    const trained = current && !current.isLost && current.frame.step > 0;
    byId("train-start").textContent = this.startText(own);
    byId("train-start").disabled = watchesFolder || (running && !this.isOutdated);
    byId("train-pause").disabled = !running;
    byId("train-step").disabled = watchesFolder;
    byId("train-reset").disabled = !own || !trained;
    byId("compare").disabled = !trained;
  }

  /** Say what the start does: it begins a run, goes on with a paused one, or begins one that has ended anew. */
  startText(own) {
    if (!own || this.isOutdated) return "Start";
    if (this.current.hasEnded) return "Start again";
    return this.current.state === "paused" ? "Go on" : "Start";
  }

  renderNotes(frame) {
    const note = byId("run-note");
    note.textContent = this.noteOf(frame);
    note.hidden = !note.textContent;
    showComparison(this.kept, this.current, this.watchesFolder ? null : this.form.settings);
  }

  noteOf(frame) {
    if (this.watchesFolder) return folderNote(this.current);
    if (this.current?.isLost) return "The server no longer has this run, because it was removed there or the server was started again. Start begins it anew.";
    if (!this.isComplete) return "Place points of both classes, then press Start.";
    if (this.current && this.isOutdated && frame?.step) return "The settings have changed: Start begins a new run with them.";
    return frame?.message ?? "";
  }

  announceState(frame) {
    if (!frame || frame.state === this.announced) return;
    this.announced = frame.state;
    if (this.shown && frame.state !== "ready") announce(`The run is ${byId("train-state").textContent}. Accuracy ${byId("train-accuracy").textContent}.`);
  }
}

/** Say whose the run of a watched folder is, or why its training has ended. */
function folderNote({ description, frame, isLost }) {
  if (isLost) return "The server no longer has this run, because it was started again.";
  const folder = `This is the run folder ${description.folder}`;
  if (frame.state === "running") return `${folder}, which another process trains. Here it can only be watched.`;
  return frame.message ? `${folder}, which is not trained now: ${frame.message}.` : `${folder}. Its training has ended.`;
}
