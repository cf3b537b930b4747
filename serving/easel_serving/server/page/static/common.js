"use strict";

// What both pages need.

const $ = id => document.getElementById(id);
const readable = name => name.replaceAll(/[-_]+/g, " ");
const percent = value => `${Math.round(value * 100)} %`;

async function ask(path, options) {
  const response = await fetch(path, options);
  if (response.ok) return response;
  let message = `The server answered ${response.status}.`;
  try { message = (await response.json()).error || message; } catch { /* not ours to explain */ }
  throw new Error(message);
}

function fail(error) {
  $("error").hidden = !error;
  $("error").textContent = error ? explained(error) : "";
}

function explained(error) {
  if (error instanceof TypeError) return "The server cannot be reached. Is it still running?";
  return String(error.message || error);
}
