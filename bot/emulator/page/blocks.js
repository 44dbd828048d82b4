// Block Kit to nodes.

import { element } from "./elements.js";
import { h, link } from "./dom.js";
import { markdown } from "./markdown.js";
import { mrkdwn, plain } from "./mrkdwn.js";
import { richText } from "./rich_text.js";

export function text(object) {
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object.text, object.emoji !== false);
}

export function image(body, size = "") {
  const file = body.slack_file;
  const source = file?.id ? `/files/${encodeURIComponent(file.id)}/image` : file?.url ?? body.image_url;
  const here = new URL(source, location.href).origin === location.origin;
  // The page loads nothing from elsewhere; the description and a link stand for such an image.
  if (!here) return h("span", { class: "elsewhere" }, link(source, `🖼 ${body.alt_text}`));
  return h("img", { src: source, alt: body.alt_text, class: size, loading: "lazy" });
}

const isImage = (body) => body.type === "image";

const BLOCKS = {
  header: (block) => h("h3", {}, plain(block.text.text)),
  divider: () => h("hr"),
  markdown: (block) => h("div", { class: "markdown" }, markdown(block.text)),
  rich_text: (block) => h("div", { class: "rich" }, richText(block)),
  context: (block) => h("div", { class: "context" }, block.elements.map((one) => (isImage(one) ? image(one, "tiny") : h("span", {}, text(one))))),
  actions: (block) => h("div", { class: "actions" }, block.elements.map((one) => element(one, block))),
  image: (block) => h("figure", {}, block.title && h("figcaption", {}, plain(block.title.text)), image(block, "wide")),
  section(block) {
    const accessory = block.accessory;
    return h("div", { class: "section" },
      h("div", { class: "words" },
        block.text && h("div", {}, text(block.text)),
        block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", {}, text(field))))),
      accessory && h("div", { class: "accessory" }, isImage(accessory) ? image(accessory, "thumb") : element(accessory, block)));
  },
  input(block) {
    const id = `label-${block.block_id}`;
    const field = element(block.element, block);
    field.removeAttribute("aria-label");
    field.setAttribute("aria-labelledby", id);
    field.setAttribute("aria-describedby", `hint-${block.block_id} error-${block.block_id}`);
    if (!block.optional) field.setAttribute("aria-required", "true");
    if (block.dispatch_action) field.dataset.dispatch = "";
    return h("div", { class: "input" },
      h("div", { class: "label", id }, plain(block.label.text), block.optional && h("span", { class: "muted" }, " (optional)")),
      field,
      block.hint && h("div", { class: "hint", id: `hint-${block.block_id}` }, plain(block.hint.text)),
      h("div", { class: "error", id: `error-${block.block_id}`, role: "alert" }));
  },
  table(block) {
    const align = (index) => `align-${block.column_settings?.[index]?.align ?? "left"}`;
    const cell = (body) => (body.type === "rich_text" ? richText(body) : body.text);
    const row = (cells, tag) => h("tr", {}, cells.map((one, index) => h(tag, { class: align(index) }, cell(one))));
    const [head, ...rest] = block.rows;
    return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, rest.map((cells) => row(cells, "td")))));
  },
};

export function blocks(list) {
  return h("div", { class: "blocks" }, list.map((block) => {
    const made = BLOCKS[block.type]?.(block) ?? h("p", { class: "muted" }, `(${block.type})`);
    made.dataset.block = block.block_id;
    return made;
  }));
}
