// Nodes from data. Text only ever becomes a text node, so nothing anybody types can become markup.

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false && child !== ""));
  return node;
}

export function safeUrl(url) {
  try {
    const parsed = new URL(url, location.href);
    return ["http:", "https:", "mailto:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

export function link(url, ...children) {
  const href = safeUrl(url);
  if (!href) return h("span", {}, ...children);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

// Changes `old` into `fresh` in place: focus, open menus, what was typed and the scroll position stay.
// Children with data-key keep their identity; a fresh child with data-same stands for "as it was".
export function morph(old, fresh) {
  if (fresh.dataset && "same" in fresh.dataset) return old;
  if (old.nodeName !== fresh.nodeName || old.dataset?.key !== fresh.dataset?.key) {
    old.replaceWith(fresh);
    return fresh;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return old;
  }
  morphAttributes(old, fresh);
  morphChildren(old, [...fresh.childNodes]);
  return old;
}

// Set by the page while something is under way, or by the reader who opens a part; drawing again does not undo it.
const LOCAL = new Set(["aria-busy", "open"]);

function morphAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (fresh.hasAttribute(name) || LOCAL.has(name)) continue;
    old.removeAttribute(name);
    if (name === "checked" || name === "selected") old[name] = false;
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) === value) continue;
    old.setAttribute(name, value);
    if (name === "value") old.value = value;
    if (name === "checked" || name === "selected") old[name] = true;
  }
}

export function morphChildren(old, wanted) {
  const keyed = new Map();
  for (const child of old.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let here = old.firstChild;
  for (const fresh of wanted) {
    const key = fresh.dataset?.key;
    const match = key ? keyed.get(key) : here && !here.dataset?.key && here.nodeName === fresh.nodeName ? here : null;
    if (!match) {
      old.insertBefore(fresh, here);
      continue;
    }
    if (match !== here) old.insertBefore(match, here);
    here = morph(match, fresh).nextSibling;
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

export function fill(parent, ...children) {
  morphChildren(parent, children.flat(Infinity).filter((child) => child != null && child !== false));
}
