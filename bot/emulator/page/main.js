// Loads the workspace, follows what happens, draws.

import "./actions.js";
import { act, notice, workspace } from "./api.js";
import { changed, channelNamed, go, hear, load, store, subscribe } from "./store.js";
import { drawConversation } from "./conversation.js";
import { drawModal } from "./modal.js";
import { drawSidebar } from "./sidebar.js";
import { drawThread } from "./thread.js";
import { startLab } from "./lab.js";

function draw() {
  drawSidebar();
  drawConversation();
  drawThread();
  drawModal();
  const unread = Object.values(store.unread[store.me] ?? {}).reduce((sum, count) => sum + count, 0);
  document.title = `${unread ? `(${unread}) ` : ""}${store.channels.get(store.place)?.name ?? store.app.name} · Slack in a box`;
}

// The address is #/person/channel, so that two windows can be two people; /archives/C…/p… is a link to a message.
function place() {
  const archive = /^\/archives\/(\w+)(?:\/p(\d+))?/.exec(location.pathname);
  const [, person, channel] = /^#\/([^/]*)\/?(.*)$/.exec(location.hash) ?? [];
  const people = [...store.users.values()];
  store.me = (people.find((user) => user.name === person) ?? people.find((user) => !user.bot)).id;
  const found = archive ? store.channels.get(archive[1]) : channelNamed(decodeURIComponent(channel ?? ""));
  go(channel === "home" ? "home" : (found ?? channelNamed("incidents")).id);
  if (channel === "home") act("home");
  if (archive?.[2]) setTimeout(() => show(`${archive[2].slice(0, -6)}.${archive[2].slice(-6)}`), 60);
}

function show(ts) {
  const node = document.querySelector(`[data-ts="${ts}"]`);
  node?.scrollIntoView({ block: "center" });
  node?.focus();
}

// Each connection begins with everything, so that nothing that happens meanwhile is missed.
function begin(note) {
  const first = !store.ready;
  load(note);
  if (note.other) store.unread = {};
  if (first || note.other) place();
  if (!first) return;
  subscribe(draw);
  draw();
  startLab();
  document.body.classList.add("ready");
  window.addEventListener("hashchange", () => (place(), changed()));
}

function follow() {
  const stream = new EventSource(`/__box/stream${workspace}`);
  let lost = false;
  stream.onmessage = (event) => {
    const note = JSON.parse(event.data);
    if (note.kind === "everything") begin(note);
    else hear(note);
  };
  stream.onerror = () => {
    if (!lost) notice("The connection is lost; trying again.");
    lost = true;
    document.body.classList.add("lost");
  };
  stream.onopen = () => {
    lost = false;
    document.body.classList.remove("lost");
  };
}

follow();
