// Keeps a page current: clocks tick, and its parts (data-live) are replaced when what they show has changed.
// Without it the page says the same, as of when it was loaded.
"use strict";

const main = document.getElementById("main");
const state = document.getElementById("state");
const skew = Date.parse(main.dataset.now) - Date.now();

let stream = null;
let refreshing = false;
let again = false;
let retry = 0;
let later = 0;
// Between two looks at a page there is a pause, longer where the page takes long: many may be looking.
const PAUSE_MS = 300;
const PAUSE_FOR_EACH_MS = 4;

function now() {
  return Date.now() + skew;
}

function left(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function spent(milliseconds) {
  const seconds = Math.max(0, milliseconds / 1000);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
}

function tick() {
  for (const element of document.querySelectorAll("[data-until]")) {
    const rest = Date.parse(element.dataset.until) - now();
    element.textContent = left(rest);
    if (rest < -1000) {
      delete element.dataset.until;
      refresh();
    }
  }
  for (const element of document.querySelectorAll("[data-since]")) {
    const passed = now() - Date.parse(element.dataset.since);
    if (element.dataset.budget) element.value = Math.min(1, passed / 1000 / Number(element.dataset.budget));
    else element.textContent = spent(passed);
  }
}

// What somebody is filling in stays as it is.
function isHeld(part) {
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea, select")];
  return fields.some((field) => field === document.activeElement || isFilled(field));
}

function isFilled(field) {
  // Where none is marked as chosen, the first one is.
  if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected));
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}

function replace(fresh) {
  const focused = document.activeElement;
  const href = focused?.getAttribute("href");
  const place = focused?.id ? `#${CSS.escape(focused.id)}` : href && `[href="${CSS.escape(href)}"]`;
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = document.getElementById(part.id);
    if (!old || old.isEqualNode(part) || isHeld(old)) continue;
    const held = old.contains(focused);
    for (const open of old.querySelectorAll("details[id][open]")) {
      part.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    }
    old.replaceWith(part);
    if (held && place) part.querySelector(place)?.focus({ preventScroll: true });
  }
  document.title = fresh.title;
}

// Who is not signed in any more, or may not see this any more, is led to what says so; what they have written stays.
function leave() {
  if ([...document.querySelectorAll("main form")].some(isHeld)) say("not live");
  else location.reload();
}

function pause(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

async function refresh() {
  clearTimeout(later);
  again = true;
  if (refreshing) return;
  refreshing = true;
  try {
    while (again) {
      again = false;
      const began = Date.now();
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.redirected || answer.status === 404) return leave();
      if (!answer.ok) throw new Error(answer.status);
      replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
      tick();
      if (stream?.readyState === EventSource.OPEN) say("live");
      await pause(Math.max(PAUSE_MS, PAUSE_FOR_EACH_MS * (Date.now() - began)));
    }
  } catch {
    say("not live");
    // Shown again, a page that nobody looked at is refreshed anyway.
    if (!document.hidden) later = setTimeout(refresh, 5000);
  } finally {
    refreshing = false;
  }
}

function say(word) {
  state.textContent = word === "live" ? "Live" : "Not live, trying again";
  state.className = `state ${word.replace(" ", "-")}`;
}

function listen() {
  clearTimeout(retry);
  if (stream || document.hidden) return;
  stream = new EventSource(main.dataset.stream);
  stream.onopen = () => say("live");
  stream.addEventListener("changed", refresh);
  stream.onerror = () => {
    say("not live");
    if (stream.readyState === EventSource.CLOSED) {
      stream = null;
      retry = setTimeout(listen, 5000);
    }
  };
}

// A browser grants six connections to one host: a page that nobody looks at gives its own back.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else {
    refresh();
    listen();
  }
});
addEventListener("pagehide", () => stream?.close());
// Shown again after a step back, a page's forms were sent once already.
addEventListener("pageshow", (event) => event.persisted && location.reload());

setInterval(tick, 1000);
tick();
listen();
