// The lab panel: each target, whether it answers, and a switch per fault.

import { fill, h } from "./dom.js";
import { store } from "./store.js";

const EVERY_MS = 4000;
let targets = [];

export async function refreshLab() {
  const panel = document.getElementById("lab");
  if (!store.labs.length || panel.hidden || document.hidden) return;
  try {
    targets = (await (await fetch("/lab")).json()).targets;
  } catch {
    targets = store.labs.map((name) => ({ name, reachable: false, faults: [], error: "this Slack is not reachable" }));
  }
  fill(panel,
    h("header", { class: "head" }, h("div", { class: "title" }, h("h2", {}, "Lab"), h("p", { class: "topic" }, "Make a target sick")),
      h("button", { type: "button", class: "btn", "data-do": "lab", "aria-label": "Close lab" }, "✕")),
    h("div", { class: "targets" }, targets.map(target)));
}

// What is healthy says so with an empty class; a lab that tells no classes has faults only.
const isFault = (fault) => fault.class !== "";
const byClass = (one, other) => (one.class ?? "").localeCompare(other.class ?? "") || one.name.localeCompare(other.name);

function target(one) {
  const faults = one.faults.filter(isFault).toSorted(byClass), windows = one.faults.filter((fault) => !isFault(fault));
  const sick = faults.some((fault) => fault.on);
  const state = !one.reachable ? ["off", `not reachable: ${one.error}`] : sick ? ["sick", "faults switched on"] : ["well", "no fault switched on"];
  return h("section", { "data-key": one.name, "aria-label": one.name },
    h("h3", {}, h("span", { class: `lamp ${state[0]}`, "aria-hidden": "true" }), one.name), h("p", { class: "muted" }, state[1]),
    switches(one, faults),
    windows.length > 0 && h("details", { "data-key": "windows" }, h("summary", {}, "Wild but healthy"), switches(one, windows)));
}

function switches(one, faults) {
  return h("ul", {}, faults.map((fault) => h("li", { "data-key": fault.name },
    h("button", { type: "button", role: "switch", "aria-checked": String(Boolean(fault.on)), title: fault.class || null, "data-do": "fault", "data-target": one.name, "data-fault": fault.name },
      h("span", { class: "name" }, fault.title || fault.name), h("span", { class: "knob", "aria-hidden": "true" })))));
}

export function startLab() {
  if (!store.labs.length) return;
  if (matchMedia("(min-width: 1180px)").matches) document.getElementById("lab").hidden = false;
  refreshLab();
  setInterval(refreshLab, EVERY_MS);
}
