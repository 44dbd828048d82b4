// What a click, a change or a key on the page means.

import { act, notice, post, tell } from "./api.js";
import { changed, become, go, store } from "./store.js";
import { closedPins } from "./conversation.js";
import { closeMenu, menu } from "./menu.js";
import { closeModal, confirmed, rewritten } from "./modal.js";
import { COMMON } from "./emoji.js";
import { emojiNode, unescape } from "./mrkdwn.js";
import { places } from "./sidebar.js";
import { refreshLab } from "./lab.js";
import { valueOf, valuesIn } from "./elements.js";

const messageOf = (node) => {
  const at = node.closest("[data-ts]")?.dataset;
  return at ? store.messages.get(at.channel)?.get(at.ts) : null;
};
const where = (message) => ({ channel: message.channel, message_ts: message.ts });

// --- elements of blocks ---

async function use(node, value) {
  if (node.getAttribute("aria-busy")) return;
  if (node.dataset.confirm && !(await confirmed(JSON.parse(node.dataset.confirm)))) return;
  if (node.dataset.url) window.open(node.dataset.url, "_blank", "noopener");
  const container = node.closest("[data-view]") ?? node.closest("[data-ts]");
  const place = container.dataset.view ? { view_id: container.dataset.view } : { channel: container.dataset.channel, message_ts: container.dataset.ts };
  const { actionId, blockId } = node.dataset;
  const block = node.closest("[data-block]");
  block?.querySelector(":scope > .failure")?.remove();
  node.setAttribute("aria-busy", "true");
  const answer = await act("action", { ...place, action_id: actionId, block_id: blockId, value, state: valuesIn(container) });
  node.removeAttribute("aria-busy");
  if (!answer.ok) failed(block ?? node, answer.failure ?? answer.error);
}

function failed(block, words) {
  const line = document.createElement("p");
  line.className = "failure";
  line.setAttribute("role", "alert");
  line.textContent = `⚠ ${words}`;
  block.append(line);
}

function press(node) {
  if (node.dataset.kind === "overflow") {
    const options = JSON.parse(node.dataset.options);
    menu(node, options.map(([value, text, url]) => [text, () => (url && window.open(url, "_blank", "noopener"), use(node, value))]));
  } else if (node.dataset.kind === "button") use(node, null);
}

function chosen(node) {
  const inInput = node.closest(".input") && !("dispatch" in node.dataset);
  if (!inInput) use(node, valueOf(node));
}

// --- the page's own buttons ---

const DOES = {
  go: (node) => (document.body.classList.remove("drawer"), node.dataset.place === "home" && act("home"), go(node.dataset.place)),
  menu: () => document.body.classList.toggle("drawer"),
  lab: () => (document.getElementById("lab").toggleAttribute("hidden"), refreshLab()),
  fault: (node) => switchFault(node),
  join: () => tell("join", { channel: store.place }),
  pins: () => (closedPins.has(store.place) ? closedPins.delete(store.place) : closedPins.add(store.place), changed()),
  direct: async () => go((await act("direct")).channel),
  thread: (node) => openThread(node.dataset.at ?? messageOf(node).ts),
  "close-thread": () => closeThread(),
  "close-modal": () => closeModal(),
  dismiss: (node) => tell("delete", where(messageOf(node))),
  pin: (node) => pin(messageOf(node)),
  react: (node) => react(node, messageOf(node)),
  reaction: (node) => toggleReaction(messageOf(node), node.dataset.name),
  more: (node) => more(node, messageOf(node)),
};

function openThread(ts) {
  store.thread = ts;
  changed();
  setTimeout(() => document.querySelector("#thread textarea")?.focus(), 30);
}

function closeThread() {
  const ts = store.thread;
  store.thread = null;
  changed();
  setTimeout(() => document.querySelector(`.messages [data-key="${CSS.escape(ts)}"]`)?.focus(), 30);
}

function pin(message) {
  return tell("pin", { ...where(message), remove: Boolean(message.pinned_to) });
}

function toggleReaction(message, name) {
  const mine = message.reactions?.find((one) => one.name === name)?.users.includes(store.me);
  return tell("reaction", { ...where(message), name, remove: Boolean(mine) });
}

function react(node, message) {
  menu(node, COMMON.map((name) => [emojiNode(name), () => toggleReaction(message, name), name.replace(/_/g, " ")]), { grid: true });
}

function more(node, message) {
  const own = message.user === store.me;
  const shortcut = (one) => [`${one.title}  ·  ${store.app.name}`, () => tell("shortcut", { ...where(message), callback_id: one.callback_id })];
  menu(node, [
    ...store.shortcuts.map(shortcut),
    ["Copy link", () => navigator.clipboard?.writeText(`${location.origin}/archives/${message.channel}/p${message.ts.replace(".", "")}`)],
    ...(own ? [["Edit message", () => edit(message)], ["Delete message", () => tell("delete", where(message))]] : []),
  ]);
}

async function edit(message) {
  const text = await rewritten(unescape(message.text));
  if (text) tell("edit", { ...where(message), text });
}

async function switchFault(node) {
  const { target, fault } = node.dataset;
  node.setAttribute("aria-busy", "true");
  const answer = await post(`/lab/${encodeURIComponent(target)}/${encodeURIComponent(fault)}`, { on: node.getAttribute("aria-checked") !== "true" });
  node.removeAttribute("aria-busy");
  if (!answer.ok) notice(`${target} did not switch ${fault}: ${answer.error}`);
  refreshLab();
}

// --- listening ---

document.addEventListener("click", (event) => {
  const node = event.target.closest("[data-do], [data-action-id]");
  if (!node) return;
  if (node.dataset.do && node.tagName !== "SELECT") DOES[node.dataset.do](node);
  else if (node.dataset.actionId) press(node);
});

document.addEventListener("change", (event) => {
  if (event.target.dataset.do === "become") return become(event.target.value);
  const node = event.target.closest("[data-action-id]");
  if (node && !["button", "overflow"].includes(node.dataset.kind)) chosen(node);
});

const ON_MESSAGE = { t: "thread", p: "pin", r: "react", m: "more" };

function onMessage(event) {
  const message = document.activeElement;
  if (!message?.matches?.(".message")) return false;
  const step = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
  if (step) {
    let next = message[step];
    while (next && !next.matches(".message")) next = next[step];
    if (next) next.focus();
    else if (event.key === "ArrowDown") document.getElementById("composer")?.focus();
    return true;
  }
  if (event.ctrlKey || event.metaKey || !(event.key in ON_MESSAGE)) return false;
  message.querySelector(`.tools [data-do=${ON_MESSAGE[event.key]}]`)?.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  const step = (event.altKey || event.ctrlKey) && { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step && !document.querySelector("dialog[open]")) {
    const all = places();
    const next = all[(all.indexOf(store.place) + step + all.length) % all.length];
    if (next === "home") act("home");
    go(next);
    setTimeout(() => document.getElementById("composer")?.focus(), 30);
    event.preventDefault();
  } else if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) {
    if (closeMenu()) return;
    if (document.body.classList.contains("drawer")) document.body.classList.remove("drawer");
    else if (store.thread) closeThread();
  } else if (onMessage(event)) event.preventDefault();
});

