// A small menu below the button that opened it: arrows move, Enter picks, Esc leaves.

import { h } from "./dom.js";

let open = null;

export function closeMenu(refocus = true) {
  if (!open) return false;
  const { node, button } = open;
  open = null;
  node.remove();
  if (refocus) button.focus();
  return true;
}

// `entries` are [label nodes, what to do, accessible name].
export function menu(button, entries, { grid = false } = {}) {
  closeMenu(false);
  const node = h("div", { class: grid ? "popup grid" : "popup", role: "menu" },
    entries.map(([label, , name]) => h("button", { type: "button", role: "menuitem", tabindex: "-1", "aria-label": name, title: name }, label)));
  const items = [...node.children];
  items.forEach((item, at) => item.addEventListener("click", () => (closeMenu(), entries[at][1]())));
  node.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") closeMenu();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  // Inside a dialog only the dialog's own content can be used.
  (button.closest("dialog") ?? document.body).append(node);
  const at = button.getBoundingClientRect();
  node.style.left = `${Math.max(8, Math.min(at.left, innerWidth - node.offsetWidth - 8))}px`;
  const below = at.bottom + 4 + node.offsetHeight < innerHeight;
  node.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - node.offsetHeight - 4)}px`;
  open = { node, button };
  items[0]?.focus();
}

document.addEventListener("pointerdown", (event) => {
  if (open && !open.node.contains(event.target)) closeMenu(false);
}, true);
