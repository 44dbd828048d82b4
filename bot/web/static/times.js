// Tells a document's times in the reader's own zone; pointing at one shows it in UTC, as it is without this script.
"use strict";

const zone = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });

function two(number) {
  return String(number).padStart(2, "0");
}

function day(at) {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function named(at) {
  return zone.formatToParts(at).find((part) => part.type === "timeZoneName").value;
}

function localise(element) {
  const at = new Date(element.dateTime);
  const utc = element.dateTime.replace("T", " ").replace("Z", "");
  const dated = element.textContent.length > 8 || day(at) !== utc.slice(0, 10);
  element.title = `${utc} UTC`;
  element.textContent = `${dated ? `${day(at)} ` : ""}${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const after = element.nextSibling;
  if (after && after.nodeType === Node.TEXT_NODE) after.data = after.data.replace(/^ UTC\b/, ` ${named(at)}`);
}

const times = [...document.querySelectorAll("main time")];
if (new Date().getTimezoneOffset() || times.some((element) => new Date(element.dateTime).getTimezoneOffset())) {
  for (const element of times) if (element.dateTime.includes("T")) localise(element);
  const note = times.find((element) => !element.dateTime.includes("T"));
  if (note) note.closest("p").textContent = `Times are told in your zone, ${named(new Date(note.dateTime))}; point at one for UTC. Those within sentences are UTC.`;
}
