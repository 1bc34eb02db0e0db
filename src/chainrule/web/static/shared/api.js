/** The server's JSON API. */

/** A refused or unanswered request; `status` is 0 where the server did not answer. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

export const get = (path) => request("GET", path);
export const post = (path, body = {}) => request("POST", path, body);
export const remove = (path) => request("DELETE", path);

async function request(method, path, body) {
  const options = body === undefined ? { method } : { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await answerOf(path, options);
  const answer = await decoded(response);
  if (!response.ok) throw new ApiError(answer?.error ?? `the server answered ${response.status} to ${method} ${path}`, response.status);
  return answer;
}

async function answerOf(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new ApiError("The server does not answer. Start it again with: chainrule draw", 0);
  }
}

async function decoded(response) {
  const text = await response.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
