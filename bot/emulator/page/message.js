// One message: who, what, files, reactions, its thread, and what can be done with it.

import { blocks, image } from "./blocks.js";
import { clock, moment } from "./dates.js";
import { emojiNode, mrkdwn } from "./mrkdwn.js";
import { h, link } from "./dom.js";
import { nameOf, store } from "./store.js";

export function avatar(user, name = nameOf(user)) {
  const bot = store.users.get(user)?.bot;
  const initials = name.split(/\s+/).map((part) => part[0]).slice(0, 2).join("");
  return h("span", { class: `avatar tone-${[...user].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 6} ${bot ? "app" : ""}`, "aria-hidden": "true" }, initials);
}

const does = (name, label, sign, extra = {}) =>
  h("button", { type: "button", "data-do": name, "aria-label": label, title: label, ...extra }, sign);

export function messageNode(message, { compact = false, inThread = false } = {}) {
  const name = message.username || nameOf(message.user);
  const when = moment(message.ts);
  const app = message.bot_id || message.username;
  return h("article", { ...anchor(message), "aria-label": `${name}, ${clock(when)}`, class: `message ${compact ? "compact" : ""} ${message.visible_to ? "ephemeral" : ""}`, tabindex: "0" },
    compact ? h("time", { class: "aside", datetime: when.toISOString() }, clock(when)) : avatar(message.user, name),
    h("div", { class: "body" },
      message.visible_to && h("p", { class: "only-you" }, "👁 Only visible to you"),
      message.pinned_to && h("p", { class: "pin-mark" }, "📌 Pinned by ", nameOf(message.pinned_info.pinned_by)),
      h("p", { class: compact ? "who sr" : "who" },
        h("b", {}, name), app && h("span", { class: "badge" }, "APP"),
        h("time", { datetime: when.toISOString(), title: when.toLocaleString() }, clock(when))),
      content(message),
      reactions(message),
      !inThread && threadLine(message)),
    tools(message, inThread));
}

export function anchor(message, prefix = "") {
  return { "data-key": prefix + message.ts, "data-ts": message.ts, "data-channel": message.channel };
}

export function content(message) {
  const edited = message.edited && h("span", { class: "edited" }, "(edited)");
  const text = message.text && !message.blocks?.length;
  return [
    text && h("div", { class: "text" }, mrkdwn(message.text), edited && " ", edited),
    message.blocks?.length && blocks(message.blocks),
    (message.attachments ?? []).map(attachment),
    !text && edited,
    (message.files ?? []).map(file),
  ];
}

function attachment(body) {
  const color = /^#?[0-9a-f]{6}$/i.test(body.color ?? "") ? body.color.replace("#", "") : "";
  const bar = h("span", { class: "bar" });
  if (color) bar.style.background = `#${color}`;
  return h("div", { class: "attachment" }, bar, h("div", {},
    body.pretext && h("div", {}, mrkdwn(body.pretext)),
    body.title && h("strong", {}, body.title_link ? link(body.title_link, body.title) : body.title),
    body.text && h("div", {}, mrkdwn(body.text)),
    body.blocks?.length && blocks(body.blocks),
    (body.fields ?? []).map((field) => h("div", {}, h("b", {}, field.title), " ", mrkdwn(field.value)))));
}

const SHOWN = ["image/png", "image/jpeg", "image/gif", "image/webp"];

function size(bytes) {
  const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 3);
  return `${(bytes / 1024 ** step).toFixed(step && bytes / 1024 ** step < 10 ? 1 : 0)} ${["B", "KB", "MB", "GB"][step]}`;
}

function file(body) {
  return h("div", { class: "file" },
    h("div", { class: "file-head" }, h("span", { "aria-hidden": "true" }, SHOWN.includes(body.mimetype) ? "🖼" : "📄"),
      h("div", {}, h("strong", {}, body.title), h("small", { class: "muted" }, `${body.name} · ${size(body.size)}`)),
      h("a", { class: "btn", href: `${body.permalink}?download=1`, download: body.name, "aria-label": `Download ${body.name}` }, "Download")),
    SHOWN.includes(body.mimetype) && image({ slack_file: { id: body.id }, alt_text: body.alt_txt || body.title }, "wide"),
    body.preview && h("pre", { class: "preview", tabindex: "0", "aria-label": `Beginning of ${body.name}` }, body.preview));
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  return h("div", { class: "reactions" }, message.reactions.map(({ name, users, count }) => {
    const mine = users.includes(store.me);
    const title = `${users.map(nameOf).join(", ")} reacted with :${name}:`;
    return h("button", { type: "button", class: mine ? "mine" : "", "data-do": "reaction", "data-name": name, "aria-pressed": String(mine), title }, emojiNode(name), ` ${count}`);
  }));
}

function threadLine(message) {
  if (!message.reply_count) return null;
  const replies = message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`;
  return h("button", { type: "button", class: "thread-line", "data-do": "thread" },
    message.reply_users.slice(0, 4).map((user) => avatar(user)), replies, h("span", { class: "muted" }, ` Last reply ${clock(moment(message.latest_reply))}`));
}

function tools(message, inThread) {
  if (message.visible_to) return h("div", { class: "tools" }, does("dismiss", "Dismiss", "✕"));
  return h("div", { class: "tools", role: "toolbar", "aria-label": "Message actions" },
    does("react", "Add a reaction", "🙂", { "aria-haspopup": "menu" }),
    !inThread && does("thread", "Reply in thread", "💬"),
    does("pin", message.pinned_to ? "Unpin from channel" : "Pin to channel", "📌", { "aria-pressed": String(Boolean(message.pinned_to)) }),
    does("more", "More actions", "⋮", { "aria-haspopup": "menu" }));
}
