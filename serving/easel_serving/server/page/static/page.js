"use strict";

const DRAFT_SIDE = 384;   // while a slider moves
const FULL_SIDE = 2048;   // larger photos are reduced before they are sent: phones send slowly
const BARS = 8;

const state = { models: [], style: null, classifier: null, photo: null, own: null, mask: null, marking: false };

// ---- what the server says ----

async function post(path, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== "" && value !== null) form.append(name, value);
  return ask(`easel/v1/${path}`, { method: "POST", body: form });
}

function answered(name, version) {   // a promotion or a rollback may have come between
  for (const model of state.models) if (model.model === name) model.version = version;
  $("serving").textContent = `Answering: ${state.models.map(model => `${model.model} version ${model.version}`).join(", ")}`;
}

// ---- images: upright and no larger than needed ----

async function reduced(file, side) {
  let bitmap;
  try { bitmap = await createImageBitmap(file); } catch { return null; }   // HEIC, TIFF: the server reads them
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";   // behind transparent pixels
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise(done => canvas.toBlob(done, "image/jpeg", 0.93));
}

function show(image, blob) {
  const old = image.src;
  image.src = URL.createObjectURL(blob);
  if (old.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(old), 1000);
}

// ---- one request at a time, always the latest: the server paints no picture that nobody waits for ----

function latestOf(work) {
  const slot = { running: false, next: null };
  return async function request(argument) {
    if (slot.running) { slot.next = { argument }; return; }
    slot.running = true;
    try {
      for (let turn = { argument }; turn; turn = slot.next) {
        slot.next = null;
        try { await work(turn.argument); fail(null); } catch (error) { fail(error); }
      }
    } finally { slot.running = false; }
  };
}

// ---- painting ----

function chosen() {
  const checked = document.querySelector("input[name=painting]:checked");
  return checked ? checked.value : "";
}

function styleFields(content) {
  const name = chosen(), other = $("other").value;
  const fields = { content, strength: $("strength").value };
  if (name === "own:") fields.style = state.own; else fields.style_name = name.slice("bank:".length);
  if (other === "own:") fields.mix_style = state.own; else fields.mix_style_name = other.slice("bank:".length);
  if (other) fields.mix = $("mix").value;
  return { ...fields, ...partFields() };
}

async function paintNow({ draft }) {
  if (!state.photo || !state.style || !chosen()) return;
  const photo = state.photo, began = performance.now();
  $("busy").hidden = false;
  try {
    const response = await post("stylize", styleFields(draft ? photo.draft : photo.full));
    const picture = await response.blob();
    if (photo !== state.photo) return;
    show($("after"), picture);
    for (const id of ["after", "edge", "tag-before", "tag-after", "wipe-row"]) $(id).hidden = false;
    const version = Number(response.headers.get("X-Easel-Version")), model = response.headers.get("X-Easel-Model");
    answered(model, version);
    $("painted-by").textContent = draft ? "Preview …"
      : `Painted by ${model} version ${version} in ${((performance.now() - began) / 1000).toFixed(2)} s`;
    if (!draft) {
      $("download").href = $("after").src;
      $("download").download = picture.type === "image/png" ? "painted.png" : "painted.jpg";
      $("download").hidden = false;
    }
  } finally { $("busy").hidden = true; }
}

const paint = latestOf(paintNow);

// ---- classifying ----

async function classifyNow() {
  if (!state.photo || !state.classifier) return;
  const photo = state.photo;
  const [result] = await (await post("classify", { image: photo.full })).json();
  if (photo !== state.photo) return;
  answered(result.model, result.version);
  const strong = document.createElement("strong");
  strong.textContent = readable(result.label);
  $("verdict").replaceChildren(strong, `, ${percent(result.score)} sure, says ${result.model} version ${result.version}`);
  const scores = Object.entries(result.scores).sort((a, b) => b[1] - a[1]).slice(0, BARS);
  $("bars").replaceChildren(...scores.map(([label, score]) => bar(label, score)));
  showExamples(result.label);
}

function bar(label, score) {
  const item = document.createElement("li"), button = document.createElement("button");
  const name = document.createElement("span"), meter = document.createElement("progress"), value = document.createElement("span");
  name.className = "name"; name.textContent = readable(label);
  meter.max = 1; meter.value = score; meter.setAttribute("aria-hidden", "true");
  value.className = "value"; value.textContent = `${(score * 100).toFixed(1)} %`;
  button.type = "button"; button.dataset.label = label; button.append(name, meter, value);
  button.addEventListener("click", () => showExamples(label));
  item.append(button);
  return item;
}

function showExamples(label) {
  for (const button of $("bars").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.label === label));
  }
  const pictures = state.classifier.pictures[label] || [];
  $("examples").hidden = !pictures.length;
  $("examples-title").textContent = `Photos of ${readable(label)} that it was trained or measured on:`;
  $("examples-pictures").replaceChildren(...pictures.map((source, number) => picture(source, `${readable(label)}, example ${number + 1}`)));
}

const classify = latestOf(classifyNow);

function picture(source, alt) {
  const image = document.createElement("img");
  image.src = source; image.alt = alt; image.loading = "lazy";
  return image;
}

// ---- choosing ----

async function take(file) {
  if (!file) return;
  fail(null);
  const full = await reduced(file, FULL_SIDE), draft = full && await reduced(file, DRAFT_SIDE);
  const photo = { full: full || file, draft: draft || file };
  let shown = full;
  if (!full && state.style && chosen()) {
    // What this browser cannot show, the model can: at strength 0 it returns the photo. What is none changes nothing.
    try { shown = await (await post("stylize", { ...styleFields(file), ...NO_PART, strength: 0 })).blob(); }
    catch (error) { fail(error); return; }
  }
  state.photo = photo;
  state.mask = null;
  for (const id of ["after", "edge", "tag-before", "tag-after", "wipe-row", "download"]) $(id).hidden = true;
  $("painted-by").textContent = "";
  $("wipe-area").hidden = !shown;
  if (shown) show($("before"), shown);
  document.querySelector(".stage").classList.add("filled");
  $("result").hidden = false;
  paint({ draft: false });
  classify();
}

async function takeOwn(file) {
  if (!file) return;
  state.own = await reduced(file, 1024) || file;
  let tile = document.querySelector("input[value='own:']");
  if (!tile) {
    $("paintings").prepend(painting("own:", "yours", null));
    $("other").append(new Option("yours", "own:"));
    tile = document.querySelector("input[value='own:']");
  }
  const holder = tile.nextElementSibling, image = document.createElement("img");
  image.alt = "";
  show(image, state.own);
  image.addEventListener("error", () => image.replaceWith(document.createElement("i")));
  holder.replaceChildren(image, file.name ? readable(file.name.replace(/\.[^.]*$/, "")) : "yours");
  tile.checked = true;
  paint({ draft: false });
}

function painting(value, name, source) {
  const label = document.createElement("label"), input = document.createElement("input"), holder = document.createElement("span");
  label.className = "painting";
  input.type = "radio"; input.name = "painting"; input.value = value;
  input.addEventListener("change", () => paint({ draft: false }));
  holder.append(source ? picture(source, "") : document.createElement("i"), readable(name));
  label.append(input, holder);
  return label;
}

function droppable(zone, receive) {
  zone.addEventListener("dragover", event => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", event => {
    event.preventDefault(); event.stopPropagation(); zone.classList.remove("over");
    receive(event.dataTransfer.files[0]);
  });
}

function wiped(value) {
  $("wipe").value = value;
  $("wipe-area").style.setProperty("--at", `${value}%`);
  $("wipe").setAttribute("aria-valuetext", `${100 - Math.round(value)} % painted`);
}

$("before").addEventListener("load", () => {
  $("wipe-area").style.setProperty("--ratio", $("before").naturalWidth / $("before").naturalHeight);
});

// ---- start ----

function waiting({ model, version, state, seconds, error }) {
  if (state === "END") return `${model} version ${version} cannot be loaded: ${error}`;
  return `loading ${model} version ${version}${seconds === null ? "" : ` (${Math.round(seconds)} s)`}`;
}

async function start() {
  const [models, others] = await Promise.all(["models", "status"].map(async name => (await ask(`easel/v1/${name}`)).json()));
  const loading = others.filter(each => each.state !== "END");
  if (!models.length || loading.length) setTimeout(() => start().catch(fail), 2000);
  state.models = models;
  if (models.length) answered();
  const texts = models.length ? [$("serving").textContent, ...loading.map(waiting)] : others.map(waiting);
  $("serving").textContent = texts.join("; ") || "No model is served yet; this page looks again in a few seconds.";
  // What was there before stays as it is, with what somebody has chosen.
  if (!state.style) showStyle(models.find(model => model.kind === "style") || null);
  if (!state.classifier) showClassifier(models.find(model => model.kind === "classifier") || null);
}

function showStyle(style) {
  state.style = style;
  $("style").hidden = $("where").hidden = !style;
  if (!style) return;
  const { styles, pictures } = style;
  $("paintings").replaceChildren(...styles.map(name => painting(`bank:${name}`, name, (pictures[name] || [])[0])));
  for (const name of styles) $("other").append(new Option(readable(name), `bank:${name}`));
  const first = document.querySelector("input[name=painting]");
  if (first) first.checked = true;
}

function showClassifier(classifier) {
  state.classifier = classifier;
  $("labels").hidden = !classifier;
  if (!classifier) return;
  const samples = Object.entries(classifier.pictures).map(([label, [source]]) => [label, source]).slice(0, 6);
  document.querySelector("#samples .samples").replaceChildren(...samples.map(([label, source]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(picture(source, `a photo of ${readable(label)}`));
    button.addEventListener("click", async () => take(await (await fetch(source)).blob()));
    return button;
  }));
  $("samples").hidden = !samples.length;
}

for (const id of ["photo", "camera"]) {
  $(id).addEventListener("change", event => { take(event.target.files[0]); event.target.value = ""; });
}
$("own").addEventListener("change", event => { takeOwn(event.target.files[0]); event.target.value = ""; });
// A computer's browser would open the same dialogue twice.
$("camera-button").hidden = !matchMedia("(pointer: coarse)").matches;
droppable(document.body, take);
droppable($("own-drop"), takeOwn);
addEventListener("paste", event => {
  const file = [...event.clipboardData.files].find(item => item.type.startsWith("image/"));
  if (file) take(file);
});
for (const id of ["strength", "mix"]) {
  $(id).addEventListener("input", () => { $(`${id}-value`).textContent = percent($(id).value); paint({ draft: true }); });
  $(id).addEventListener("change", () => paint({ draft: false }));
}
$("other").addEventListener("change", () => {
  $("mix-row").hidden = !$("other").value;
  $("mix-name").textContent = $("other").selectedOptions[0].text;
  paint({ draft: false });
});
$("wipe").addEventListener("input", () => wiped(Number($("wipe").value)));
$("wipe-area").addEventListener("pointerdown", event => {
  if (state.marking) return;
  $("wipe-area").setPointerCapture(event.pointerId);
  follow(event);
});
$("wipe-area").addEventListener("pointermove", event => { if (event.buttons && !state.marking) follow(event); });
function follow(event) {
  const box = $("wipe-area").getBoundingClientRect();
  wiped(Math.min(100, Math.max(0, (event.clientX - box.left) / box.width * 100)));
}
start().catch(fail);
