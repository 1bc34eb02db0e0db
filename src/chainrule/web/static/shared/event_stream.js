/**
 * The server's events in this tab.
 *
 * All tabs of a browser share one connection, which a SharedWorker holds, since a browser opens only six to a server. Where there
 * is no SharedWorker, the tab opens a connection of its own. A hidden tab gets no frames until it is shown.
 */

import { openStream } from "../worker/server_stream.js";
import { TopicHub } from "../worker/topic_hub.js";

export class EventStream {
  constructor() {
    this.handlers = new Map(); // topic -> function of a frame
    this.connectionHandlers = [];
    this.connected = true;
    this.send = typeof SharedWorker === "undefined" ? this.joinHubOfThisTab() : this.joinSharedWorker();
    document.addEventListener("visibilitychange", () => this.sendInterest());
    addEventListener("pagehide", () => this.send({ topics: [], left: true }));
    addEventListener("pageshow", (event) => event.persisted && this.sendInterest());
  }

  /** Call `handler` with each frame of a topic, such as "model" or "run:3". */
  subscribe(topic, handler) {
    this.handlers.set(topic, handler);
    this.sendInterest();
  }

  unsubscribe(topic) {
    if (this.handlers.delete(topic)) this.sendInterest();
  }

  /** Call `handler` with true or false whenever the connection comes back or is lost. */
  onConnection(handler) {
    this.connectionHandlers.push(handler);
  }

  joinSharedWorker() {
    const worker = new SharedWorker(new URL("../worker/event_worker.js", import.meta.url), { type: "module", name: "chainrule-events" });
    worker.port.onmessage = ({ data }) => this.receive(data);
    this.holdLock((lock) => worker.port.postMessage({ lock }));
    return (message) => worker.port.postMessage(message);
  }

  /** Hold a lock as long as this tab lives: the worker waits for it, and so learns of a tab that crashed. */
  holdLock(report) {
    const name = `chainrule-tab-${crypto.randomUUID?.() ?? Math.random()}`;
    navigator.locks?.request(name, () => {
      report(name);
      return new Promise(() => {});
    });
  }

  joinHubOfThisTab() {
    const hub = new TopicHub(openStream);
    const tab = hub.join((message) => this.receive(message));
    return ({ topics }) => hub.setTopics(tab, topics);
  }

  sendInterest() {
    const topics = document.visibilityState === "hidden" ? [] : [...this.handlers.keys()];
    this.send({ topics });
  }

  receive({ topic, frame, connected }) {
    if (topic) this.handlers.get(topic)?.(frame);
    if (connected === undefined || connected === this.connected) return;
    this.connected = connected;
    for (const handler of this.connectionHandlers) handler(connected);
  }
}
