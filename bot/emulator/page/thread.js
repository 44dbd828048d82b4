// The side panel with one thread.

import { composer } from "./composer.js";
import { fill, h } from "./dom.js";
import { messageNode } from "./message.js";
import { messagesOf, store, titleOf } from "./store.js";

export function drawThread() {
  const panel = document.getElementById("thread");
  const channel = store.channels.get(store.place);
  const open = Boolean(store.thread && channel);
  panel.hidden = !open;
  if (!open) return panel.replaceChildren();
  const list = panel.querySelector(".messages");
  const stick = !list || list.scrollHeight - list.scrollTop - list.clientHeight < 120;
  fill(panel,
    h("header", { class: "head", "data-key": "head" }, h("div", { class: "title" }, h("h2", {}, "Thread"), h("p", { class: "topic" }, titleOf(channel))),
      h("button", { type: "button", class: "btn", "data-do": "close-thread", "aria-label": "Close thread" }, "✕")),
    h("div", { class: "messages", role: "log", "aria-label": "Replies", "data-key": store.thread },
      messagesOf(channel.id, { thread: store.thread }).map((one) => messageNode(one, { inThread: true }))),
    composer(channel, store.thread));
  const now = panel.querySelector(".messages");
  if (stick) now.scrollTop = now.scrollHeight;
}
