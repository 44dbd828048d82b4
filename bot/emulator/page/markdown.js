// Plain Markdown, for the markdown block: headings, lists, quotes, fences, tables, and inline marks.

import { h, link } from "./dom.js";
import { plain } from "./mrkdwn.js";

const INLINE = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<!\w)[*_]([^*_\n]+)[*_](?!\w)|~~([^~\n]+)~~|\[([^\]\n]+)\]\(([^)\s]+)\)/g;

function inline(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, bold, italic, strike, label, url] = match;
    nodes.push(...plain(text.slice(from, match.index)));
    nodes.push(
      code ? h("code", {}, code)
      : bold ? h("strong", {}, inline(bold))
      : italic ? h("em", {}, inline(italic))
      : strike ? h("s", {}, inline(strike))
      : link(url, ...inline(label)),
    );
    from = match.index + whole.length;
  }
  return [...nodes, ...plain(text.slice(from))];
}

const cells = (line) => line.replace(/^\s*\||\|\s*$/g, "").split("|").map((cell) => cell.trim());

const KINDS = [
  [/^(#{1,6})\s+(.*)$/, (match) => h("p", { class: "heading", role: "heading", "aria-level": match[1].length + 2 }, inline(match[2]))],
  [/^\s*(?:---+|\*\*\*+)\s*$/, () => h("hr")],
];
const RUNS = [
  [/^\s*[-*+]\s+(.*)$/, (items) => h("ul", {}, items.map((item) => h("li", {}, inline(item))))],
  [/^\s*\d+[.)]\s+(.*)$/, (items) => h("ol", {}, items.map((item) => h("li", {}, inline(item))))],
  [/^>\s?(.*)$/, (items) => h("blockquote", {}, items.flatMap((item, i) => (i ? [h("br"), ...inline(item)] : inline(item))))],
  [/^\s*(\|.*\|)\s*$/, table],
];

function table(rows) {
  const [head, ...body] = rows.filter((row) => !/^\|[\s:|-]+\|$/.test(row));
  const row = (line, tag) => h("tr", {}, cells(line).map((cell) => h(tag, {}, inline(cell))));
  return h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, body.map((line) => row(line, "td"))));
}

export function markdown(text) {
  const nodes = [];
  const lines = text.split("\n");
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) nodes.push(h("p", {}, paragraph.flatMap((line, i) => (i ? [h("br"), ...inline(line)] : inline(line)))));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at += 1) {
    if (/^\s*```/.test(lines[at])) {
      const end = lines.findIndex((line, index) => index > at && /^\s*```/.test(line));
      const code = lines.slice(at + 1, end < 0 ? lines.length : end);
      flush();
      nodes.push(h("pre", {}, code.join("\n")));
      at += code.length + 1;
      continue;
    }
    const kind = KINDS.find(([pattern]) => pattern.test(lines[at]));
    const run = RUNS.find(([pattern]) => pattern.test(lines[at]));
    if (kind || run || !lines[at].trim()) flush();
    if (kind) nodes.push(kind[1](kind[0].exec(lines[at])));
    else if (run) {
      const items = [];
      while (at < lines.length && run[0].test(lines[at])) items.push(run[0].exec(lines[at++])[1]);
      at -= 1;
      nodes.push(run[1](items));
    } else if (lines[at].trim()) paragraph.push(lines[at]);
  }
  flush();
  return nodes;
}
