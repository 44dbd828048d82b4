// The left column: who one is, channels with their unread counts, direct messages, the app.

import { fill, h } from "./dom.js";
import { avatar } from "./message.js";
import { myChannels, store, titleOf } from "./store.js";

function entry(place, sign, name, { quiet = false } = {}) {
  const unread = store.unread[store.me]?.[place] ?? 0;
  const here = store.place === place;
  return h("li", { "data-key": place },
    h("button", {
      type: "button", "data-do": "go", "data-place": place, class: `${unread ? "unread" : ""} ${quiet ? "quiet" : ""}`,
      "aria-current": here ? "page" : null, "aria-label": unread ? `${name}, ${unread} unread` : null,
    }, h("span", { class: "sign", "aria-hidden": "true" }, sign), h("span", { class: "name" }, name), unread > 0 && h("span", { class: "count", "aria-hidden": "true" }, String(unread))));
}

function section(title, entries) {
  if (!entries.length) return null;
  return h("section", { "data-key": title, "aria-label": title }, h("h2", {}, title), h("ul", {}, entries));
}

export function drawSidebar() {
  const { joined, others, direct, archived } = myChannels();
  const sign = (channel) => (channel.kind === "private" ? "🔒" : "#");
  const people = [...store.users.values()].filter((user) => !user.bot);
  fill(document.getElementById("sidebar"),
    h("div", { class: "team", "data-key": "team" }, h("strong", {}, "Slack in a box"), h("small", {}, "local, nothing leaves this machine")),
    h("div", { class: "person", "data-key": "me" }, avatar(store.me),
      h("label", { for: "me" }, h("span", { class: "sr" }, "You are"),
        h("select", { id: "me", "data-do": "become" }, people.map((user) => h("option", { value: user.id, selected: user.id === store.me }, user.real_name))),
        h("small", {}, store.users.get(store.me)?.title))),
    section("Channels", joined.map((one) => entry(one.id, sign(one), one.name))),
    section("Other channels", others.map((one) => entry(one.id, "#", one.name, { quiet: true }))),
    section("Direct messages", direct.map((one) => entry(one.id, "●", titleOf(one)))),
    section("Apps", [entry("home", "◆", store.app.name)]),
    section("Archived", archived.map((one) => entry(one.id, "▣", one.name, { quiet: true }))));
}

// The places Alt+Up and Alt+Down walk through.
export function places() {
  const { joined, others, direct } = myChannels();
  return [...joined, ...others, ...direct].map((one) => one.id).concat("home");
}
