// Modals and confirmations, as <dialog>: the browser keeps the focus inside and Esc closes.

import { act } from "./api.js";
import { blocks, text } from "./blocks.js";
import { fill, h } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { store } from "./store.js";
import { valuesIn } from "./elements.js";

let dialog = null;
let shown = null;

export function drawModal() {
  const stack = store.views[store.me] ?? [];
  const view = stack[stack.length - 1];
  if (!view) return hide();
  dialog ??= create();
  const fresh = shown !== view.id;
  shown = view.id;
  dialog.dataset.view = view.id;
  dialog.setAttribute("aria-labelledby", "modal-title");
  fill(dialog, form(view, stack.length > 1));
  if (!dialog.open) dialog.showModal();
  if (fresh) dialog.querySelector("[autofocus], .blocks :is(input, textarea, select), .btn.primary")?.focus();
}

function form(view, deep) {
  return h("form", { method: "dialog", "data-key": view.id, novalidate: true },
    h("header", {}, h("h2", { id: "modal-title" }, plain(view.title.text)),
      h("button", { type: "button", class: "btn", "data-do": "close-modal", "aria-label": deep ? "Back" : "Close" }, deep ? "←" : "✕")),
    blocks(view.blocks),
    h("p", { class: "failure", role: "alert", "data-key": "failure", "data-same": true }),
    h("footer", {}, h("button", { type: "button", class: "btn", "data-do": "close-modal" }, plain(view.close?.text ?? "Close")),
      view.submit && h("button", { type: "submit", class: "btn primary", disabled: view.submit_disabled === true }, plain(view.submit.text))));
}

function create() {
  const node = h("dialog", { id: "modal" });
  node.addEventListener("cancel", (event) => (event.preventDefault(), closeModal()));
  // Where nobody has touched the page since, Esc closes without asking.
  node.addEventListener("close", closeModal);
  node.addEventListener("submit", (event) => (event.preventDefault(), submit()));
  document.body.append(node);
  return node;
}

function hide() {
  shown = null;
  dialog?.close();
  dialog?.replaceChildren();
}

export function closeModal() {
  if (shown) act("close", { view_id: shown });
}

async function submit() {
  const button = dialog.querySelector("[type=submit]");
  if (!button || button.getAttribute("aria-busy")) return;
  showErrors({});
  button.setAttribute("aria-busy", "true");
  const answer = await act("submit", { view_id: shown, values: valuesIn(dialog) });
  button.removeAttribute("aria-busy");
  if (!answer.ok) showErrors(answer.errors ?? {}, answer.failure ?? (answer.errors ? "" : answer.error));
}

function showErrors(errors, failure = "") {
  dialog.querySelector(".failure").textContent = failure;
  for (const line of dialog.querySelectorAll(".error")) line.textContent = "";
  for (const field of dialog.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const fields = Object.entries(errors).map(([block, message]) => {
    const line = document.getElementById(`error-${block}`);
    if (line) line.textContent = message;
    const field = dialog.querySelector(`[data-block-id="${CSS.escape(block)}"]`);
    field?.setAttribute("aria-invalid", "true");
    return field;
  });
  const first = fields.find(Boolean);
  (first?.matches("div") ? first.querySelector("input") : first)?.focus();
}

// A small dialog with two buttons; resolves to the node when the second was pressed, else to null.
function asked(title, inside, no, yes) {
  return new Promise((resolve) => {
    const node = h("dialog", { class: "confirm", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      h("form", { method: "dialog" },
        h("header", {}, h("h2", { id: "confirm-title" }, title)),
        h("div", { id: "confirm-text", class: "blocks" }, inside),
        h("footer", {}, h("button", { type: "button", class: "btn", autofocus: true, "data-no": true }, no), yes)));
    node.querySelector("[data-no]").addEventListener("click", () => node.close());
    node.addEventListener("close", () => {
      resolve(node.returnValue === "yes" ? node : null);
      node.remove();
    });
    document.body.append(node);
    node.showModal();
  });
}

export function confirmed(body) {
  const yes = h("button", { class: `btn ${body.style ?? "primary"}`, value: "yes" }, plain(body.confirm.text));
  return asked(plain(body.title.text), h("div", {}, text(body.text)), plain(body.deny.text), yes);
}

export async function rewritten(old) {
  const box = h("textarea", { rows: 4, "aria-label": "Message", name: "text" }, old);
  const node = await asked("Edit message", h("div", { class: "input" }, box), "Cancel", h("button", { class: "btn primary", value: "yes" }, "Save"));
  return node && box.value.trim();
}
