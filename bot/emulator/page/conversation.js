// The middle: a channel's head, its pins, its messages and the message box; or the app's Home tab.

import { anchor, avatar, content, messageNode } from "./message.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { day, moment } from "./dates.js";
import { fill, h, link } from "./dom.js";
import { messagesOf, nameOf, store, titleOf } from "./store.js";
import { mrkdwn, plain } from "./mrkdwn.js";

const GROUPED_MS = 300_000;
const drawn = new WeakMap();
export const closedPins = new Set();

export function drawConversation() {
  const main = document.getElementById("main");
  if (store.place === "home") return drawHome(main);
  const channel = store.channels.get(store.place);
  const all = messagesOf(channel.id);
  const pins = pinnedIn(channel);
  const expanded = closedPins.has(channel.id) ? new Set() : new Set(pins.filter(isCard).map((one) => one.ts));
  const list = main.querySelector(".messages");
  const present = new Set([...(list?.children ?? [])].map((node) => node.dataset.key));
  const stick = !list || list.dataset.key !== `list-${channel.id}` || list.scrollHeight - list.scrollTop - list.clientHeight < 120;
  fill(main, head(channel), bookmarks(channel), pins.length > 0 && pinPanel(channel, pins),
    h("div", { class: "messages", role: "log", "aria-live": "polite", "aria-label": `Messages in ${titleOf(channel)}`, tabindex: "-1", "data-key": `list-${channel.id}` },
      h("p", { class: "beginning", "data-key": "beginning" }, beginning(channel)), rows(all, expanded, present)),
    channel.archived ? h("p", { class: "archived", "data-key": "archived" }, `#${channel.name} is archived.`) : composer(channel, null));
  const now = main.querySelector(".messages");
  if (stick) now.scrollTop = now.scrollHeight;
}

const pinnedIn = (channel) => channel.pins.map((ts) => store.messages.get(channel.id)?.get(ts)).filter(Boolean);
const isCard = (message) => message.bot_id && message.blocks?.length;

function menuButton() {
  return h("button", { type: "button", class: "menu", "data-do": "menu", "aria-label": "Channels", "aria-controls": "sidebar" }, "☰");
}

function labButton() {
  return store.labs.length > 0 && h("button", { type: "button", class: "btn", "data-do": "lab", "aria-controls": "lab" }, "Lab");
}

function head(channel) {
  const sign = channel.kind === "private" ? "🔒 " : channel.name ? "# " : "";
  const names = channel.members.map(nameOf).join(", ");
  const joined = channel.members.includes(store.me);
  return h("header", { class: "head", "data-key": `head-${channel.id}` }, menuButton(),
    h("div", { class: "title" }, h("h1", {}, sign, titleOf(channel)), h("p", { class: "topic" }, mrkdwn(channel.topic || channel.purpose))),
    !joined && !channel.archived && h("button", { type: "button", class: "btn", "data-do": "join" }, "Join"),
    h("span", { class: "members", title: names }, channel.members.slice(0, 4).map((user) => avatar(user)), h("span", {}, String(channel.members.length), h("span", { class: "sr" }, ` members: ${names}`))),
    labButton());
}

function beginning(channel) {
  return channel.name ? `This is the beginning of #${channel.name}.` : `Messages between ${channel.members.map(nameOf).join(" and ")}.`;
}

function bookmarks(channel) {
  if (!channel.bookmarks.length) return null;
  return h("nav", { class: "bookmarks", "aria-label": "Bookmarks", "data-key": "bookmarks" },
    channel.bookmarks.map((one) => link(one.link, ...plain(one.emoji || "🔖"), " ", one.title)));
}

function pinPanel(channel, pins) {
  const open = !closedPins.has(channel.id);
  const cards = pins.filter(isCard).reverse();
  const others = pins.filter((one) => !isCard(one));
  return h("section", { class: "pins", "aria-label": "Pinned", "data-key": `pins-${channel.id}` },
    h("button", { type: "button", "data-do": "pins", "aria-expanded": String(open), class: "pins-toggle" }, open ? "▾ " : "▸ ", `📌 ${pins.length} pinned`),
    open && cards.map((one) => h("article", { class: "card", ...anchor(one, "pin-"), "aria-label": one.text || "Pinned message" }, content(one))),
    open && others.length > 0 && h("ul", { class: "pin-list", "data-key": "others" }, others.map((one) =>
      h("li", { "data-key": one.ts }, h("b", {}, nameOf(one.user)), " ", h("span", {}, mrkdwn(one.text.split("\n")[0]))))));
}

function rows(all, expanded, present) {
  const nodes = [];
  let before = null;
  for (const message of all) {
    const today = day(moment(message.ts));
    if (!before || day(moment(before.ts)) !== today) nodes.push(h("p", { class: "day", "data-key": `day-${message.ts}` }, h("span", {}, today)));
    const near = before && Number(message.ts) - Number(before.ts) < GROUPED_MS / 1000;
    const compact = Boolean(near && !expanded.has(before.ts) && before.user === message.user && before.username === message.username && !message.visible_to && !before.visible_to && !message.pinned_to);
    nodes.push(expanded.has(message.ts) ? folded(message) : row(message, compact, present));
    before = message;
  }
  return nodes;
}

// A message that has not changed is not drawn again; what stands on the page stays as it is.
function row(message, compact, present) {
  const mark = `${compact}|${store.me}|${store.users.size}|${store.channels.size}`;
  if (drawn.get(message) === mark && present.has(message.ts)) return h("article", { "data-key": message.ts, "data-same": true });
  drawn.set(message, mark);
  return messageNode(message, { compact });
}

function folded(message) {
  drawn.delete(message);
  return h("article", { class: "folded", "data-key": message.ts }, avatar(message.user), h("span", {}, h("b", {}, nameOf(message.user)), " posted what is pinned above. "),
    message.reply_count > 0 && h("button", { type: "button", class: "thread-line", "data-do": "thread", "data-at": message.ts }, message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`));
}

function drawHome(main) {
  const view = store.homes[store.me];
  fill(main,
    h("header", { class: "head", "data-key": "head-home" }, menuButton(), h("div", { class: "title" }, h("h1", {}, "◆ ", store.app.name), h("p", { class: "topic" }, "Home")),
      h("button", { type: "button", class: "btn", "data-do": "direct" }, "Messages"), labButton()),
    h("div", { class: "home", "data-key": "home", "data-view": view?.id ?? "" },
      view ? blocks(view.blocks) : h("p", { class: "muted" }, `${store.app.name} shows nothing here yet. What it sends you directly is under Messages.`)));
}
