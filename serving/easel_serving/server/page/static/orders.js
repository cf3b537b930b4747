"use strict";

const SOON = 1000, LATER = 5000;   // how often the list is asked for: while something is painted, and otherwise
const SHOWN = 20;

const state = { limit: SHOWN, key: null, timer: null };

// ---- the list ----

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function told(order) {
  if (order.state === "queued") return order.attempts ? `tried ${order.attempts} times, waits for another: ${order.reason}` : "waits";
  if (order.state === "painting") return `is painted, ${percent(order.progress)}`;
  if (order.state === "failed") return `failed: ${order.reason}`;
  return `done in ${Math.max(0.1, order.finished - order.started).toFixed(1)} s, by ${order.painted_by.model} version ${order.painted_by.version}`;
}

function wished({ wishes, mask }) {
  const size = wishes.paper ? `${wishes.paper}, ${wishes.dpi || 300} dpi` : wishes.size ? `${wishes.size} pixels` : "";
  const part = mask ? "in a mask" : wishes.only === "subject" ? "the subject only" : wishes.only ? "the background only" : "";
  const strength = wishes.strength === undefined ? "" : percent(wishes.strength);
  return [strength, size, part, (wishes.format || "jpeg").toUpperCase()].filter(Boolean).join(", ");
}

function named({ styles }) {
  const all = styles.reduce((sum, style) => sum + (style.weight ?? 1), 0);
  const share = style => styles.length > 1 ? ` ${percent((style.weight ?? 1) / all)}` : "";
  return styles.map(style => readable(style.name) + share(style)).join(" and ");
}

function moment(when) {
  return when.toDateString() === new Date().toDateString() ? when.toLocaleTimeString()
    : when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

function row(order) {
  const name = named(order.wishes);
  const when = moment(new Date(order.created * 1000)), item = element("li", {});
  const title = element("strong", { id: `o-${order.id}`, textContent: `${name}, ${when}` });
  item.dataset.id = order.id;
  item.dataset.state = order.state;
  const meter = element("progress", { max: 1, value: order.progress });
  meter.setAttribute("aria-labelledby", title.id);
  const remove = element("button", { type: "button", className: "button", textContent: "Remove" });
  remove.setAttribute("aria-label", `Remove ${title.textContent}`);
  remove.addEventListener("click", () => removed(order.id).catch(fail));
  const actions = element("div", { className: "actions" });
  if (order.state === "done") {
    const link = element("a", { className: "button primary", textContent: "Picture", href: `v1/orders/${order.id}/result` });
    link.download = `${order.wishes.styles[0].name}.${{ tiff: "tif", jpeg: "jpg" }[order.wishes.format || "jpeg"] || order.wishes.format}`;
    link.setAttribute("aria-label", `Picture of ${title.textContent}`);
    actions.append(link);
  }
  actions.append(remove);
  item.append(title, element("p", { className: "note", textContent: wished(order) }));
  if (order.state === "painting") item.append(meter);
  item.append(element("p", { className: "state", textContent: told(order) }), actions);
  return item;
}

function show(orders, more) {
  const list = $("orders"), old = new Map([...list.children].map(item => [item.dataset.id, item]));
  // What did not change is left alone: whoever is on one of its buttons stays there.
  const items = orders.map(order => {
    const text = JSON.stringify(order), known = old.get(order.id);
    if (known && known.told === text) return known;
    const made = row(order);
    made.told = text;
    const within = known && known.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
    if (within) queueMicrotask(() => made.querySelector(`[aria-label="${CSS.escape(within)}"]`)?.focus());
    return made;
  });
  if (items.length !== list.children.length || items.some((item, at) => item !== list.children[at])) list.replaceChildren(...items);
  $("none").hidden = orders.length > 0;
  $("older").hidden = !more || state.limit >= 200;
  const counts = ["queued", "painting", "done", "failed"].map(name => [orders.filter(order => order.state === name).length, name]);
  const shown = counts.filter(([count]) => count).map(([count, name]) => `${count} ${name === "queued" ? "waiting" : name}`);
  const standing = shown.length ? `${more ? "Of the newest: " : ""}${shown.join(", ")}` : "No orders";
  if ($("standing").textContent !== standing) $("standing").textContent = standing;
}

async function refresh() {
  clearTimeout(state.timer);
  let wait = LATER;
  try {
    const { orders, next } = await (await ask(`v1/orders?limit=${state.limit}`)).json();
    show(orders, Boolean(next));
    if (orders.some(order => order.state === "queued" || order.state === "painting")) wait = SOON;
    if (state.lost) { state.lost = false; fail(null); }
  } catch (error) {
    state.lost = true;   // said as long as it lasts
    fail(error);
  }
  clearTimeout(state.timer);
  state.timer = setTimeout(refresh, document.hidden ? 6 * wait : wait);
}

async function removed(id) {
  await ask(`v1/orders/${id}`, { method: "DELETE" });
  fail(null);
  await refresh();
  $("list-title").tabIndex = -1;
  $("list-title").focus();
}

// ---- the form ----

function toggled() {
  const how = $("how-large").value, only = $("only").value;
  $("for-paper").hidden = how !== "paper";
  $("for-size").hidden = how !== "size";
  $("for-mask").hidden = only !== "mask";
  $("for-subject").hidden = only !== "subject" && only !== "background";
  $("mask").required = only === "mask";
  for (const id of ["paper", "dpi"]) $(id).disabled = how !== "paper";
  $("size").disabled = how !== "size";
  $("mask").disabled = only !== "mask";
  for (const id of ["or-all", "box"]) $(id).disabled = $("for-subject").hidden;
  $("for-mix").hidden = !$("other").value;
}

// A box around the subject: drawn on the photo, or written. Both are in pixels of the photo.

function shown() {
  const [file] = $("photo").files, image = $("preview"), old = image.src;
  $("box").value = "";
  boxed();
  $("draw").hidden = true;   // until it is known that this browser can show it
  image.removeAttribute("src");
  if (old) URL.revokeObjectURL(old);
  if (file) image.src = URL.createObjectURL(file);
}

function boxed() {
  const { naturalWidth: width, naturalHeight: height } = $("preview"), sides = $("box").value.split(",").map(Number);
  const frame = $("frame"), fits = sides.length === 4 && sides.every(Number.isFinite) && width > 0;
  frame.hidden = !fits;
  if (!fits) return;
  ["left", "top", "width", "height"].forEach((name, at) => { frame.style[name] = `${100 * sides[at] / (at % 2 ? height : width)}%`; });
}

function drawn(event) {
  const { naturalWidth: width, naturalHeight: height } = $("preview"), area = $("draw").getBoundingClientRect();
  const at = [Math.round(Math.min(1, Math.max(0, (event.clientX - area.left) / area.width)) * width),
    Math.round(Math.min(1, Math.max(0, (event.clientY - area.top) / area.height)) * height)];
  if (event.type === "pointerdown") state.corner = at;
  const sides = at.map((value, axis) => Math.abs(value - state.corner[axis]));
  if (Math.min(...sides) > 0) $("box").value = [...at.map((value, axis) => Math.min(value, state.corner[axis])), ...sides].join();
  boxed();
}

function fields() {
  const form = new FormData($("form"));
  if (form.get("only") === "mask") form.delete("only");
  const first = form.get("style"), other = $("other").value, share = Number($("mix").value);
  if (other) {
    form.delete("style");
    // Of a style that is all of it, or none, there is nothing to mix.
    for (const [name, weight] of [[first, 1 - share], [other, share]]) if (weight > 0) form.append("style", `${name}=${weight.toFixed(2)}`);
  }
  for (const [name, value] of [...form]) if (value === "" || (value instanceof File && !value.size && !value.name)) form.delete(name);
  return form;
}

async function place() {
  // The same key for the same order until it is taken: pressed twice, or again after a fault, it is placed once.
  state.key ||= Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, "0")).join("");
  $("place").disabled = true;
  $("placed").textContent = "Sending …";
  try {
    const order = await (await ask("v1/orders", { method: "POST", body: fields(), headers: { "Idempotency-Key": state.key } })).json();
    state.key = null;
    $("placed").textContent = `Placed: ${named(order.wishes)}`;
    fail(null);
  } catch (error) {
    $("placed").textContent = "";
    fail(error);
  } finally { $("place").disabled = false; }
  if (!state.key) await refresh();
}

async function styles() {
  const models = await (await ask("easel/v1/models")).json(), painter = models.find(model => model.kind === "style");
  const names = painter ? painter.styles : [];
  $("style").replaceChildren(...names.map(name => new Option(readable(name), name)));
  $("other").replaceChildren(new Option("nothing else", ""), ...names.map(name => new Option(readable(name), name)));
  if (!names.length) setTimeout(() => styles().catch(fail), 2000);
}

$("form").addEventListener("submit", event => { event.preventDefault(); place(); });
$("form").addEventListener("change", () => { state.key = null; toggled(); });
for (const id of ["strength", "mix"]) $(id).addEventListener("input", () => { $(`${id}-value`).textContent = percent($(id).value); });
$("photo").addEventListener("change", shown);
$("preview").addEventListener("load", () => { $("draw").hidden = false; });
$("box").addEventListener("input", boxed);
$("draw").addEventListener("pointerdown", event => { event.preventDefault(); $("draw").setPointerCapture(event.pointerId); drawn(event); });
$("draw").addEventListener("pointermove", event => { if (event.buttons) drawn(event); });
$("draw").addEventListener("pointerup", () => $("box").dispatchEvent(new Event("change", { bubbles: true })));
$("older").addEventListener("click", () => { state.limit = Math.min(200, state.limit + SHOWN); refresh(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
toggled();
styles().catch(fail);
refresh();
