// Slack's markup to nodes: bold, italic, strike, code, quotes, links, references, dates, emoji.

import { emoji, EMOJI } from "./emoji.js";
import { h, link } from "./dom.js";
import { nameOf, store } from "./store.js";
import { formatDate } from "./dates.js";

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "<([^<>\\s][^<>]*)>",
    "(https?:\\/\\/[^\\s<>|]*[^\\s<>|.,;:!?)'\"*_~`])",
    ":([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):",
    "(?<![\\w*])\\*(?=\\S)([^*\\n]*[^*\\s])\\*(?![\\w*])",
    "(?<![\\w_])_(?=\\S)([^_\\n]*[^_\\s])_(?![\\w_])",
    "(?<![\\w~])~(?=\\S)([^~\\n]*[^~\\s])~(?![\\w~])",
  ].join("|"),
  "g",
);

export function unescape(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

export function mrkdwn(text) {
  const parts = [];
  for (const [index, part] of text.split(/```([\s\S]*?)```/).entries()) {
    if (index % 2) parts.push(h("pre", {}, unescape(part.replace(/^\n|\n$/g, ""))));
    else if (part) parts.push(...quotes(index ? part.replace(/^\n/, "") : part));
  }
  return parts;
}

function quotes(text) {
  const nodes = [];
  let quoted = [];
  const flush = () => {
    if (quoted.length) nodes.push(h("blockquote", {}, lines(quoted)));
    quoted = [];
  };
  let plain = [];
  for (const line of text.split("\n")) {
    const match = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (match) {
      if (plain.length) nodes.push(...lines(plain));
      plain = [];
      quoted.push(match[1]);
    } else {
      flush();
      plain.push(line);
    }
  }
  flush();
  if (plain.length) nodes.push(...lines(plain));
  return nodes;
}

function lines(all) {
  return all.flatMap((line, index) => (index ? [h("br"), ...inline(line)] : inline(line)));
}

export function inline(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, angle, url, short, bold, italic, strike] = match;
    const node =
      code ? h("code", {}, unescape(code))
      : angle ? reference(angle)
      : url ? link(unescape(url), unescape(url))
      : short ? (EMOJI.has(short.split("::")[0]) ? emojiNode(short) : whole)
      : bold ? h("strong", {}, inline(bold))
      : italic ? h("em", {}, inline(italic))
      : h("s", {}, inline(strike));
    nodes.push(unescape(text.slice(from, match.index)), node);
    from = match.index + whole.length;
  }
  nodes.push(unescape(text.slice(from)));
  return nodes.filter((node) => node !== "");
}

export function emojiNode(name) {
  return h("span", { class: "emoji", role: "img", "aria-label": name.split("::")[0].replace(/_/g, " "), title: `:${name}:` }, emoji(name));
}

export function plain(text, withEmoji = true) {
  if (!withEmoji) return [text];
  return text.split(/:([a-z0-9_+'-]+):/).map((part, index) => (index % 2 ? (EMOJI.has(part) ? emojiNode(part) : `:${part}:`) : part));
}

export function mention(user, label) {
  const me = user === store.me;
  return h("span", { class: me ? "mention me" : "mention" }, `@${store.users.has(user) ? nameOf(user) : label || user}`);
}

export function channelLink(id, label) {
  const channel = store.channels.get(id);
  if (!channel) return h("span", { class: "mention" }, `#${label || id}`);
  return h("button", { class: "mention link", type: "button", "data-do": "go", "data-place": id }, `#${channel.name}`);
}

function reference(body) {
  const bar = body.indexOf("|");
  const [target, label] = bar < 0 ? [body, ""] : [body.slice(0, bar), unescape(body.slice(bar + 1))];
  if (target.startsWith("@")) return mention(target.slice(1), label);
  if (target.startsWith("#")) return channelLink(target.slice(1), label);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!subteam^")) {
    const group = store.groups.get(target.slice(9));
    return h("span", { class: "mention" }, group ? `@${group.handle}` : label || target);
  }
  if (target.startsWith("!")) return h("span", { class: "mention me" }, `@${label || target.slice(1)}`);
  return link(unescape(target), label || unescape(target).replace(/^mailto:/, ""));
}

function date(target, fallback) {
  const [, seconds, format, url] = target.split("^");
  const when = new Date(Number(seconds) * 1000);
  if (Number.isNaN(when.getTime())) return fallback;
  const node = h("time", { datetime: when.toISOString(), title: when.toLocaleString() }, formatDate(when, unescape(format)));
  return url ? link(unescape(url), node) : node;
}
