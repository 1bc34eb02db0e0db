/** The server's stream of events, opened again after it broke. */

const RETRY = 1500; // milliseconds

/**
 * Open a stream of topics. `onFrame` is called with (topic, frame), where the frame of a topic that
 * does not exist, or no more, is {gone: true}; `onConnection` with whether the server answers.
 *
 * The result is a function that closes the stream.
 */
export function openStream(topics, onFrame, onConnection) {
  let source = null;
  let retry = 0;
  const connect = () => {
    source = new EventSource(`/api/events?topics=${topics.map(encodeURIComponent).join(",")}`);
    source.onopen = () => onConnection(true);
    source.onerror = () => {
      source.close();
      onConnection(false);
      retry = setTimeout(connect, RETRY);
    };
    for (const kind of ["model", "frame", "gone"]) {
      source.addEventListener(kind, ({ data }) => {
        const { topic, ...frame } = JSON.parse(data);
        onFrame(topic, kind === "gone" ? { gone: true } : frame);
      });
    }
  };
  connect();
  return () => {
    clearTimeout(retry);
    source.close();
  };
}
