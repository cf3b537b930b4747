"use strict";

// Which part of the photo is painted: the subject, what is around it, or what is drawn on the photo with a pen.
// Goes with common.js and page.js, whose `$`, `state` and `paint` it uses.

const MASK_SIDE = 1024;
const SOFT = 0.004;   // of the longest side: how far an edge that was drawn fades
const NO_PART = { only: null, mask: null };

function partFields() {
  const part = $("part").value;
  if (part === "mask") return { mask: state.mask };
  return part ? { only: part } : {};
}

// ---- drawing ----

const canvas = $("drawing"), pen = canvas.getContext("2d");
let last = null, drawn = false;

function marking(on) {
  state.marking = on;
  canvas.hidden = !on;
  $("wipe-area").classList.toggle("marking", on);
  $("mask-apply").textContent = on ? "Paint it" : "Mark more";
  $("mask-note").textContent = !state.photo ? "Choose a photo first, then draw on it."
    : on ? "Draw on the photo what is to be painted." : "What you marked is painted.";
}

function cleared() {
  const { naturalWidth: width, naturalHeight: height } = $("before");
  if (!width) return;
  const scale = Math.min(1, MASK_SIDE / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  drawn = false;
}

function draw(event) {
  const box = canvas.getBoundingClientRect(), longest = Math.max(canvas.width, canvas.height);
  const at = [(event.clientX - box.left) / box.width * canvas.width, (event.clientY - box.top) / box.height * canvas.height];
  pen.globalCompositeOperation = $("mask-rub").getAttribute("aria-pressed") === "true" ? "destination-out" : "source-over";
  pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--pen");
  pen.lineWidth = $("pen").value / 100 * longest;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(...(last || at));
  pen.lineTo(...at);
  pen.stroke();
  last = at;
  drawn = true;
}

async function masked() {
  const soft = document.createElement("canvas"), context = soft.getContext("2d");
  soft.width = canvas.width; soft.height = canvas.height;
  context.filter = `blur(${SOFT * Math.max(canvas.width, canvas.height)}px)`;
  context.drawImage(canvas, 0, 0);
  context.filter = "none";
  context.globalCompositeOperation = "source-in";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, soft.width, soft.height);
  return new Promise(done => soft.toBlob(done, "image/png"));
}

async function opened(file) {
  if (!file || !state.photo) return;
  let bitmap;
  try { bitmap = await createImageBitmap(file); } catch { fail(new Error(`${file.name}: not an image that this browser can show`)); return; }
  cleared();
  pen.globalCompositeOperation = "source-over";
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const image = pen.getImageData(0, 0, canvas.width, canvas.height), ink = [168, 67, 31];
  for (let at = 0; at < image.data.length; at += 4) {   // white is marked; what is transparent is not
    const [r, g, b, a] = image.data.subarray(at, at + 4);
    image.data.set([...ink, Math.round((0.299 * r + 0.587 * g + 0.114 * b) * a / 255)], at);
  }
  pen.putImageData(image, 0, 0);
  drawn = true;
  marking(true);
}

$("before").addEventListener("load", () => { cleared(); if ($("part").value === "mask") marking(true); });
$("part").addEventListener("change", () => {
  const own = $("part").value === "mask";
  $("mask-row").hidden = !own;
  marking(own && !state.mask);
  if (!own || state.mask) paint({ draft: false });
});
$("mask-apply").addEventListener("click", async () => {
  if (!state.marking) { marking(true); return; }
  if (!drawn) { $("mask-note").textContent = "Nothing is marked yet: draw on the photo."; return; }
  state.mask = await masked();
  marking(false);
  paint({ draft: false });
});
$("mask-rub").addEventListener("click", event => {
  event.target.setAttribute("aria-pressed", String(event.target.getAttribute("aria-pressed") !== "true"));
});
$("mask-clear").addEventListener("click", () => { cleared(); marking(true); });
$("mask-file").addEventListener("change", event => { opened(event.target.files[0]); event.target.value = ""; });
$("pen").addEventListener("input", () => { $("pen-value").textContent = `${$("pen").value} %`; });
canvas.addEventListener("pointerdown", event => { canvas.setPointerCapture(event.pointerId); last = null; draw(event); });
canvas.addEventListener("pointermove", event => { if (event.buttons) draw(event); });
canvas.addEventListener("pointerup", () => { last = null; });
