/** The SharedWorker that holds the one stream of events of all tabs. */

import { openStream } from "./server_stream.js";
import { TopicHub } from "./topic_hub.js";

const hub = new TopicHub(openStream);

self.onconnect = ({ ports: [port] }) => {
  let tab = hub.join((message) => port.postMessage(message));
  const leave = () => hub.leave(tab);
  port.onmessage = ({ data: { lock, topics, left } }) => {
    if (lock) navigator.locks.request(lock, leave); // granted when the tab is gone, whatever ended it
    else if (left) leave();
    else {
      if (!hub.tabs.has(tab)) tab = hub.join((message) => port.postMessage(message)); // the tab is shown again from the history
      hub.setTopics(tab, topics);
    }
  };
};
