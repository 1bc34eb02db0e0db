/** Shares one stream of events between tabs: it carries the topics that any tab wants, and each tab gets its own. */

const SETTLE = 30; // milliseconds in which the wishes of several tabs make one new connection

export class TopicHub {
  /** `openStream(topics, onFrame, onConnection)` opens a stream and returns a function that closes it. */
  constructor(openStream) {
    this.openStream = openStream;
    this.tabs = new Map(); // a tab's key -> {deliver, topics}
    this.newest = new Map(); // topic -> the newest frame
    this.opened = ""; // the topics of the open stream, joined
    this.close = () => {};
    this.connected = true;
    this.settling = 0;
  }

  /** Add a tab, to which `deliver` sends messages; the result is its key. */
  join(deliver) {
    const key = Symbol("tab");
    this.tabs.set(key, { deliver, topics: new Set() });
    if (!this.connected) deliver({ connected: false });
    return key;
  }

  leave(key) {
    if (this.tabs.delete(key)) this.settle();
  }

  /** Set the topics that a tab wants; it gets the newest frame of each new one at once. */
  setTopics(key, topics) {
    const tab = this.tabs.get(key);
    if (!tab) return;
    const added = topics.filter((topic) => !tab.topics.has(topic) && this.newest.has(topic));
    tab.topics = new Set(topics);
    for (const topic of added) tab.deliver({ topic, frame: this.newest.get(topic) });
    this.settle();
  }

  wanted() {
    return [...new Set([...this.tabs.values()].flatMap(({ topics }) => [...topics]))].sort();
  }

  settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.reopen(), SETTLE);
  }

  /** Open the stream anew where other topics are wanted than those that it carries. */
  reopen() {
    const topics = this.wanted();
    if (topics.join() === this.opened) return;
    this.close();
    this.opened = topics.join();
    for (const topic of this.newest.keys()) if (!topics.includes(topic)) this.newest.delete(topic);
    const noStream = () => {};
    this.close = topics.length ? this.openStream(topics, (topic, frame) => this.pass(topic, frame), (connected) => this.tell(connected)) : noStream;
  }

  pass(topic, frame) {
    this.newest.set(topic, frame);
    for (const { topics, deliver } of this.tabs.values()) if (topics.has(topic)) deliver({ topic, frame });
  }

  tell(connected) {
    this.connected = connected;
    for (const { deliver } of this.tabs.values()) deliver({ connected });
  }
}
