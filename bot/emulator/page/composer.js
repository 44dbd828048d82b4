// The message box: Enter sends, a slash shows the commands, a command shows how it goes on.

import { h } from "./dom.js";
import { act, notice } from "./api.js";
import { store, titleOf } from "./store.js";

const drafts = new Map();

export function composer(channel, thread) {
  const key = `composer-${channel.id}-${thread ?? ""}`;
  if (document.querySelector(`[data-key="${key}"]`)) return h("form", { "data-key": key, "data-same": true });
  const label = thread ? "Reply in thread" : `Message ${channel.name ? "#" : ""}${titleOf(channel)}`;
  const list = `hints-${key}`;
  const box = h("textarea", {
    rows: 1, "aria-label": label, placeholder: label, autocomplete: "off", role: "combobox",
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list, id: thread ? null : "composer",
  }, drafts.get(key) ?? "");
  const hints = h("ul", { class: "hints", role: "listbox", id: list, "aria-label": "Commands", hidden: true });
  const status = h("p", { class: "sending", role: "status" });
  const tip = h("p", { class: "tip", "aria-hidden": "true" }, thread ? "" : "/ for commands · ", "Enter sends · Shift+Enter for a new line");
  const form = h("form", { class: "composer", "data-key": key, "data-same": true, "data-channel": channel.id, "data-thread": thread ?? "" },
    hints, h("div", { class: "box" }, box, h("button", { type: "submit", class: "btn primary", "aria-label": "Send" }, "➤")), h("div", { class: "below" }, status, tip));
  new Composer(form, box, hints, status, key);
  return form;
}

class Composer {
  constructor(form, box, hints, status, key) {
    Object.assign(this, { form, box, hints, status, key, chosen: 0, offered: [] });
    form.addEventListener("submit", (event) => (event.preventDefault(), this.send()));
    box.addEventListener("keydown", (event) => this.key_(event));
    box.addEventListener("input", () => (drafts.set(key, box.value), this.grow(), this.hint()));
    box.addEventListener("blur", () => this.show([]));
    hints.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const at = [...hints.children].indexOf(event.target.closest("li"));
      if (this.offered[at]) this.complete(this.offered[at]);
    });
    if (box.value) queueMicrotask(() => this.grow());
  }

  grow() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 240)}px`;
  }

  hint() {
    const [name, ...rest] = this.box.value.split(" ");
    if (!name.startsWith("/") || this.box.value.includes("\n")) return this.show([]);
    const matching = store.commands.filter((one) => (rest.length ? one.name === name : one.name.startsWith(name)));
    this.show(matching);
  }

  show(offered) {
    this.offered = offered;
    this.chosen = Math.min(this.chosen, Math.max(offered.length - 1, 0));
    this.hints.hidden = !offered.length;
    this.box.setAttribute("aria-expanded", String(offered.length > 0));
    this.hints.replaceChildren(...offered.map((one, at) =>
      h("li", { role: "option", id: `${this.hints.id}-${at}`, "aria-selected": String(at === this.chosen) }, h("b", {}, one.name), " ", h("span", {}, one.hint), h("small", {}, store.app.name))));
    if (offered.length) this.box.setAttribute("aria-activedescendant", `${this.hints.id}-${this.chosen}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  complete(command) {
    this.box.value = `${command.name} `;
    drafts.set(this.key, this.box.value);
    this.hint();
  }

  key_(event) {
    const partial = this.offered.length && !this.box.value.includes(" ") && this.box.value !== this.offered[this.chosen].name;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.altKey || event.ctrlKey || event.isComposing) return;
    if (step && this.offered.length > 1) {
      this.chosen = (this.chosen + step + this.offered.length) % this.offered.length;
      this.show(this.offered);
    } else if (event.key === "ArrowUp" && !this.box.value) {
      const messages = this.form.parentElement.querySelectorAll(".message");
      if (messages.length) messages[messages.length - 1].focus();
      else return;
    } else if ((event.key === "Tab" || event.key === "Enter") && !event.shiftKey && partial) this.complete(this.offered[this.chosen]);
    else if (event.key === "Enter" && !event.shiftKey) this.send();
    else if (event.key === "Escape" && this.offered.length) (this.show([]), event.stopPropagation());
    else return;
    event.preventDefault();
  }

  async send() {
    const text = this.box.value.trim();
    const { channel, thread } = this.form.dataset;
    if (!text) return;
    if (text.startsWith("/") && thread) return notice("Slash commands do not work in threads, in Slack neither.");
    this.box.value = "";
    drafts.delete(this.key);
    this.show([]);
    this.grow();
    if (!text.startsWith("/")) {
      const answer = await act("message", { channel, text, thread_ts: thread });
      if (!answer.ok) this.refused(text, answer);
      return;
    }
    const slow = setTimeout(() => (this.status.textContent = `${text.split(" ")[0]} is on its way …`), 150);
    const answer = await act("command", { channel, text });
    clearTimeout(slow);
    this.status.textContent = "";
    if (!answer.ok && answer.error) this.refused(text, answer);
  }

  refused(text, answer) {
    this.box.value ||= text;
    notice(`That was not sent: ${answer.error}`);
  }
}
