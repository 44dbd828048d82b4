// Elements a person uses. Each carries data-action-id and data-block-id; `valueOf` reads it back.

import { h, safeUrl } from "./dom.js";
import { mrkdwn, plain } from "./mrkdwn.js";
import { store, titleOf } from "./store.js";

const PEOPLE = () => [...store.users.values()].filter((user) => !user.bot).map((user) => [user.id, user.real_name]);
const CHANNELS = () => [...store.channels.values()].filter((one) => one.name && !one.archived).map((one) => [one.id, `#${one.name}`]);
const CONVERSATIONS = () => [...CHANNELS(), ...[...store.channels.values()].filter((one) => !one.name).map((one) => [one.id, titleOf(one)])];
const SOURCES = { users: PEOPLE, channels: CHANNELS, conversations: CONVERSATIONS };
const INPUTS = {
  plain_text_input: "text", email_text_input: "email", url_text_input: "url", number_input: "text",
  datepicker: "date", timepicker: "time", datetimepicker: "datetime-local",
};

const optionText = ({ text }) => (text.type === "mrkdwn" ? mrkdwn(text.text) : plain(text.text));
const NAMES = { datepicker: "Date", timepicker: "Time", datetimepicker: "Date and time" };
const words = (option) => option.text.text;

export function element(body, block) {
  const props = {
    "data-action-id": body.action_id, "data-block-id": block.block_id, "data-kind": body.type,
    "data-confirm": body.confirm ? JSON.stringify(body.confirm) : null,
    "aria-label": body.placeholder?.text ?? NAMES[body.type] ?? null,
    autofocus: body.focus_on_load === true,
  };
  const maker = MAKERS[body.type] ?? (body.type in INPUTS ? input : body.type.endsWith("_select") ? select : unknown);
  return maker(body, props, block);
}

function button(body, props) {
  const name = body.accessibility_label ?? null;
  const style = `btn ${body.style ?? ""}`;
  return h("button", { ...props, type: "button", class: style, "aria-label": name, "data-url": safeUrl(body.url ?? "") && body.url ? body.url : null }, plain(body.text.text));
}

function overflow(body, props) {
  const options = JSON.stringify(body.options.map((option) => [option.value, words(option), option.url ?? ""]));
  return h("button", { ...props, type: "button", class: "btn overflow", "aria-label": "More actions", "aria-haspopup": "menu", "data-options": options }, "⋯");
}

function choices(body) {
  const [kind] = body.type.replace("multi_", "").split("_");
  if (SOURCES[kind]) return [[null, SOURCES[kind]()]];
  const pairs = (options) => options.map((option) => [option.value, words(option)]);
  if (body.option_groups) return body.option_groups.map((group) => [group.label.text, pairs(group.options)]);
  return [[null, pairs(body.options ?? [])]];
}

function initialOf(body) {
  const one = body.initial_option?.value ?? body.initial_user ?? body.initial_channel ?? body.initial_conversation;
  const many = body.initial_options?.map((option) => option.value) ?? body.initial_users ?? body.initial_channels ?? body.initial_conversations;
  if (body.default_to_current_conversation && !one && !many) return [store.place];
  return many ?? (one ? [one] : []);
}

function select(body, props) {
  if (body.type.startsWith("multi_")) return multi(body, props);
  const [chosen] = initialOf(body);
  const option = ([value, text]) => h("option", { value, selected: value === chosen }, text);
  const groups = choices(body).map(([name, list]) => (name ? h("optgroup", { label: name }, list.map(option)) : list.map(option)));
  return h("select", props, h("option", { value: "", selected: !chosen }, body.placeholder?.text ?? "Choose one"), groups);
}

function multi(body, props) {
  const chosen = initialOf(body);
  return choiceList("checkbox", choices(body).flatMap(([, list]) => list).map(([value, text]) => [value, [text], ""]), chosen, { ...props, class: "choices scroll" });
}

function listed(body, props) {
  const kind = body.type === "radio_buttons" ? "radio" : "checkbox";
  const options = body.options.map((option) => [option.value, optionText(option), option.description?.text ?? ""]);
  return choiceList(kind, options, initialOf(body), { ...props, class: "choices" });
}

function choiceList(kind, options, chosen, props) {
  const name = `${props["data-block-id"]}-${props["data-action-id"]}`;
  const row = ([value, text, description]) =>
    h("label", {}, h("input", { type: kind, name, value, checked: chosen.includes(value) }),
      h("span", {}, text, description && h("small", {}, description)));
  return h("div", { ...props, role: kind === "radio" ? "radiogroup" : "group", autofocus: false }, options.map(row));
}

function input(body, props) {
  const type = INPUTS[body.type];
  const initial = body.initial_value ?? body.initial_date ?? body.initial_time ?? localTime(body.initial_date_time);
  const shared = { ...props, placeholder: body.placeholder?.text, maxlength: body.max_length ?? (type === "text" ? 3000 : null) };
  if (body.multiline) return h("textarea", { ...shared, rows: 4 }, initial ?? "");
  const mode = body.type === "number_input" ? "decimal" : null;
  return h("input", { ...shared, type, inputmode: mode, value: initial ?? null, autocomplete: "off" });
}

function richInput(body, props) {
  return h("textarea", { ...props, rows: 4, placeholder: body.placeholder?.text });
}

function unknown(body) {
  return h("span", { class: "muted" }, `(${body.type} is not shown here)`);
}

const MAKERS = { button, overflow, radio_buttons: listed, checkboxes: listed, rich_text_input: richInput, file_input: unknown, external_select: unknown, multi_external_select: unknown };

function localTime(seconds) {
  if (!seconds) return null;
  const when = new Date(seconds * 1000);
  return new Date(when - when.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function valueOf(node) {
  const kind = node.dataset.kind;
  const checked = () => [...node.querySelectorAll("input:checked")].map((one) => one.value);
  if (kind === "radio_buttons") return checked()[0] ?? null;
  if (kind === "checkboxes" || kind.startsWith("multi_")) return checked();
  if (kind === "datetimepicker") return node.value ? Math.floor(new Date(node.value).getTime() / 1000) : null;
  if (kind === "rich_text_input") return node.value ? { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: node.value }] }] } : null;
  return node.value === "" ? null : node.value;
}

// Everything chosen and typed in a message or view: {block_id: {action_id: value}}.
export function valuesIn(container) {
  const values = {};
  for (const node of container.querySelectorAll("[data-action-id]")) {
    if (["button", "overflow"].includes(node.dataset.kind)) continue;
    (values[node.dataset.blockId] ??= {})[node.dataset.actionId] = valueOf(node);
  }
  return values;
}

