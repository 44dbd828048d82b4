// Zooms a flame graph and searches in it. Without it the graph is a picture whose pieces have tooltips.
"use strict";

const svg = document.querySelector("#flame > svg");
const told = document.getElementById("told");
const find = document.getElementById("find");
const reset = document.getElementById("reset");
const matches = document.getElementById("matches");

const LEAST = 0.0005;
const percent = (share) => (share >= 0.1 ? `${Math.round(100 * share)} %` : `${(100 * share).toFixed(1)} %`);

// The first piece is the whole: at the top, or at the bottom.
const whole = Number(svg.firstElementChild.getAttribute("y"));
const outwards = whole > 0 ? "ArrowDown" : "ArrowUp";
const inwards = whole > 0 ? "ArrowUp" : "ArrowDown";

const pieces = [...svg.children].map((element) => {
  const title = element.querySelector("title").textContent;
  const start = parseFloat(element.getAttribute("x")) / 100;
  const width = parseFloat(element.getAttribute("width")) / 100;
  return {
    element, title, start, width,
    name: title.split("\n")[0],
    row: Math.abs(Number(element.getAttribute("y")) - whole),
    text: element.querySelector("text"),
  };
});
const rows = [...new Set(pieces.map((piece) => piece.row))].sort((a, b) => a - b);
let zoomed = pieces[0];
let held = pieces[0];

function short(name) {
  const call = name.replace(/ \([^()]*:\d+\)$/, "").split("[")[0];
  return call.slice(call.lastIndexOf("/") + 1);
}

function within(inner, outer) {
  const slack = 1e-6;
  return inner.start >= outer.start - slack && inner.start + inner.width <= outer.start + outer.width + slack;
}

function zoom(piece) {
  zoomed = piece;
  const room = Math.max(piece.width, 1e-9);
  for (const each of pieces) {
    const above = each.row < piece.row && within(piece, each);
    const inside = each.row >= piece.row && within(each, piece);
    const width = above ? 1 : each.width / room;
    each.element.classList.toggle("above", above);
    each.element.setAttribute("x", `${above ? 0 : (100 * (each.start - piece.start)) / room}%`);
    each.element.setAttribute("width", `${100 * width}%`);
    each.element.style.display = (above || inside) && width >= LEAST ? "" : "none";
    each.text.textContent = width >= 0.012 ? short(each.name) : "";
  }
  reset.hidden = piece === pieces[0];
  told.textContent = piece.title.replace("\n", ": ");
}

function search() {
  const wanted = find.value.trim().toLowerCase();
  const hits = wanted ? pieces.slice(1).filter((piece) => piece.name.toLowerCase().includes(wanted)) : [];
  for (const piece of pieces) piece.element.classList.toggle("hit", hits.includes(piece));
  svg.classList.toggle("searched", Boolean(wanted));
  // A call below another that matches is in that one's width already; pieces come from the top down.
  const outer = [];
  for (const piece of hits) if (!outer.some((each) => within(piece, each))) outer.push(piece);
  const share = outer.reduce((sum, piece) => sum + piece.width, 0);
  matches.textContent = wanted ? `${hits.length} ${hits.length === 1 ? "call" : "calls"}, ${percent(share)}` : "";
}

function hold(piece) {
  held.element.tabIndex = -1;
  held = piece;
  held.element.tabIndex = 0;
  held.element.focus({ preventScroll: false });
}

function shown(row) {
  return pieces.filter((piece) => piece.row === row && piece.element.style.display !== "none");
}

function step(key) {
  const at = rows.indexOf(held.row);
  if (key === outwards) return shown(rows[at - 1]).find((piece) => within(held, piece) || within(zoomed, piece));
  if (key === inwards) return shown(rows[at + 1]).find((piece) => within(piece, held) || held.row < zoomed.row);
  const beside = shown(held.row);
  return beside[beside.indexOf(held) + (key === "ArrowLeft" ? -1 : 1)];
}

function pressed(event) {
  const piece = pieces.find((each) => each.element === event.target.closest("svg svg"));
  if (!piece) return;
  if (event.key === "Enter" || event.key === " ") zoom(piece);
  else if (event.key === "Escape") zoom(pieces[0]);
  else if (event.key.startsWith("Arrow")) {
    const next = step(event.key);
    if (next) hold(next);
  } else return;
  event.preventDefault();
}

function at(event) {
  const element = event.target.closest("svg svg");
  return element && pieces.find((piece) => piece.element === element);
}

svg.setAttribute("role", "tree");
for (const piece of pieces) {
  piece.element.setAttribute("role", "treeitem");
  piece.element.setAttribute("aria-level", rows.indexOf(piece.row) + 1);
  piece.element.setAttribute("aria-label", piece.title.replace("\n", ": "));
  piece.element.tabIndex = piece === held ? 0 : -1;
}
svg.addEventListener("click", (event) => {
  const piece = at(event);
  if (piece) zoom(piece);
});
svg.addEventListener("pointerover", (event) => {
  const piece = at(event);
  if (piece) told.textContent = piece.title.replace("\n", ": ");
});
svg.addEventListener("focusin", (event) => {
  const piece = at(event);
  if (piece) told.textContent = piece.title.replace("\n", ": ");
});
svg.addEventListener("keydown", pressed);
find.addEventListener("input", search);
reset.addEventListener("click", () => {
  zoom(pieces[0]);
  hold(pieces[0]);
});
find.closest("label").hidden = false;
