// Reads {modules, strokes: [[{width, points}, ...], ...], rasters: [[280 x 280 levels], ...]} from standard input, and writes the 784
// pixels of each drawing, then of each raster, as the page computes them with its own modules.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { modules, strokes, rasters } = JSON.parse(readFileSync(0, "utf8"));
const load = (name) => import(pathToFileURL(`${modules}/${name}`).href);
const { PAPER, blankRaster, drawStroke } = await load("strokes.js");
const { toMnist } = await load("mnist_form.js");

const drawn = strokes.map((digit) => {
  const raster = blankRaster();
  digit.forEach((stroke) => drawStroke(raster, stroke));
  return raster;
});
const given = rasters.map((levels) => ({ height: PAPER, width: PAPER, data: Uint8Array.from(levels) }));
process.stdout.write(JSON.stringify([...drawn, ...given].map((raster) => Array.from(toMnist(raster).pixels))));
