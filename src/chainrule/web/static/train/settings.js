/** The settings of a run: in the form, and as the query string of a link. */

/** The settings in the link's order; `kind` says how a field's text is read. */
export const FIELDS = {
  data: "text",
  hidden: "sizes",
  activation: "text",
  cost: "text",
  optimizer: "text",
  learning_rate: "number",
  batch_size: "number",
  l2: "number",
  dropout: "number",
  epochs: "number",
  seed: "number",
};

const PLANE = { hidden: [16, 16], activation: "tanh", cost: "log_loss", optimizer: "adam", learning_rate: 0.01, batch_size: 20, l2: 0, dropout: 0, epochs: 200, seed: 0 };
const IMAGES = { hidden: [30], activation: "sigmoid", cost: "quadratic", optimizer: "sgd", learning_rate: 3, batch_size: 10, l2: 0, dropout: 0, epochs: 30, seed: 0 };

/** The settings with which each data set is begun: for images those of the notes. */
export const STARTS = {
  spiral: PLANE,
  circles: { ...PLANE, hidden: [8] },
  xor: { ...PLANE, hidden: [8] },
  moons: { ...PLANE, hidden: [8] },
  points: { ...PLANE, hidden: [8], batch_size: 10, epochs: 500 },
  mnist: IMAGES,
  digits: IMAGES,
};

/** The data sets whose examples are points of the plane. */
export const PLANAR = new Set(["spiral", "circles", "xor", "moons", "points"]);

export function startingSettings(data) {
  return { data, ...STARTS[data], points: [] };
}

/** Read a field's text; text that is not of the field's kind stays as it is, for the server to refuse with its reason. */
export function parseField(name, text) {
  const trimmed = text.trim();
  if (FIELDS[name] === "text") return trimmed;
  if (FIELDS[name] === "sizes") return parseSizes(trimmed);
  return numberOf(trimmed);
}

function parseSizes(text) {
  return text === "" || text === "none" ? [] : text.split(/[\s,]+/).map(numberOf);
}

function numberOf(text) {
  const value = Number(text);
  return text === "" || Number.isNaN(value) ? text : value;
}

export function fieldText(name, value) {
  return FIELDS[name] === "sizes" ? value.join(", ") : String(value);
}

/** Write settings as a query string, in which each setting has its place. */
export function toQuery(settings) {
  const pairs = Object.keys(FIELDS).map((name) => [name, FIELDS[name] === "sizes" ? settings[name].join(",") : settings[name]]);
  if (settings.points.length) pairs.push(["points", settings.points.map((point) => point.join(",")).join(";")]);
  return pairs.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%3B", ";")}`).join("&");
}

/** Read a query string; settings that it leaves out are those with which its data set is begun. */
export function fromQuery(query) {
  const given = new URLSearchParams(query);
  const data = Object.hasOwn(STARTS, given.get("data")) ? given.get("data") : "spiral";
  const settings = startingSettings(data);
  for (const name of Object.keys(FIELDS)) if (name !== "data" && given.has(name)) settings[name] = parseField(name, given.get(name));
  if (data === "points") settings.points = parsePoints(given.get("points") ?? "");
  return settings;
}

function parsePoints(text) {
  const points = text.split(";").map((point) => point.split(",").map(Number));
  return points.filter((point) => point.length === 3 && point.every(Number.isFinite));
}

/** The settings in which two runs differ, as text: "hidden 16, 16 and 8". */
export function differences(settings, others) {
  const text = (name, of) => (name in FIELDS ? fieldText(name, of[name]) : `${of[name].length} points`);
  const names = [...Object.keys(FIELDS), "points"].filter((name) => JSON.stringify(settings[name]) !== JSON.stringify(others[name]));
  return names.map((name) => ({ name: name.replace("_", " "), values: [text(name, settings), text(name, others)] }));
}
