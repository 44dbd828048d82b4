// rich_text: text as a tree.

import { h, link } from "./dom.js";
import { channelLink, emojiNode, mention } from "./mrkdwn.js";
import { formatDate } from "./dates.js";
import { store } from "./store.js";

const MARKS = [["code", "code"], ["strike", "s"], ["italic", "em"], ["bold", "strong"], ["underline", "u"]];

function leaf(element) {
  const { type, style = {} } = element;
  let node =
    type === "text" ? element.text.split("\n").flatMap((line, i) => (i ? [h("br"), line] : [line]))
    : type === "link" ? link(element.url, element.text || element.url)
    : type === "emoji" ? emojiNode(element.name)
    : type === "user" ? mention(element.user_id)
    : type === "channel" ? channelLink(element.channel_id)
    : type === "usergroup" ? h("span", { class: "mention" }, `@${store.groups.get(element.usergroup_id)?.handle ?? element.usergroup_id}`)
    : type === "broadcast" ? h("span", { class: "mention me" }, `@${element.range}`)
    : type === "date" ? h("time", {}, formatDate(new Date(element.timestamp * 1000), element.format))
    : element.value ?? "";
  for (const [name, tag] of MARKS) if (style[name]) node = h(tag, {}, node);
  return node;
}

function part(element) {
  if (element.type === "rich_text_list") {
    const tag = element.style === "ordered" ? "ol" : "ul";
    return h(tag, { class: `indent-${element.indent ?? 0}`, start: element.offset ? element.offset + 1 : null }, element.elements.map((item) => h("li", {}, item.elements.map(leaf))));
  }
  const tag = { rich_text_quote: "blockquote", rich_text_preformatted: "pre" }[element.type] ?? "div";
  return h(tag, {}, element.elements.map(leaf));
}

export function richText(block) {
  return block.elements.map(part);
}
