/** Messages for screen readers, in one polite live region; a message waits until nothing new has come for a moment. */

const QUIET = 700; // milliseconds

let waiting = 0;

export function announce(message) {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    document.getElementById("announcer").textContent = message;
  }, QUIET);
}
