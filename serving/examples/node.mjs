// Calls a server from JavaScript (Node 18 or newer, or a browser): node serving/examples/node.mjs URL photo.jpg painted.jpg
import { readFile, writeFile } from "node:fs/promises";

const [server, photo, painted] = process.argv.slice(2);
const file = await readFile(photo);

async function call(path, options) {
  const response = await fetch(server + path, options);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${(await response.json()).error}`);
  return response;
}

function form(fields) {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) made.append(name, value);
  return { method: "POST", body: made };
}

// What serves, with the names of the paintings that the style network knows.
const models = await (await call("/easel/v1/models")).json();
const classifier = models.find(model => model.kind === "classifier");
const style = models.find(model => model.kind === "style");

// The convenience calls take files as they are; the stable version answers.
const [{ label, score }] = await (await call("/easel/v1/classify", form({ image: new Blob([file]) }))).json();
console.log(`${label} ${score.toFixed(3)}`);

const picture = await call("/easel/v1/stylize", form({ content: new Blob([file]), style_name: style.styles[0], strength: "0.8" }));
await writeFile(painted, Buffer.from(await picture.arrayBuffer()));
console.log(`${painted} by version ${picture.headers.get("x-easel-version")}`);

// The same server speaks TensorFlow Serving's REST API: any version or label, any signature, batches.
const predicted = await call(`/v1/models/${classifier.model}/labels/stable:predict`, {
  method: "POST",
  body: JSON.stringify({ instances: [{ b64: file.toString("base64") }] }),
});
console.log((await predicted.json()).predictions[0].label);
