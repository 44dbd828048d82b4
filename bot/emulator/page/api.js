// Calls to the emulator, always as the person this page is.

import { store } from "./store.js";

export async function act(name, values = {}) {
  return post(`/__box/${name}${workspace}`, { user: store.me, ...values });
}

// Which workspace this page shows: ?team=ID, the first one without it.
export const workspace = location.search.includes("team=") ? location.search : "";

export async function post(path, values) {
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(values) });
    return await response.json();
  } catch {
    return { ok: false, error: "this Slack is not reachable" };
  }
}

export function notice(text) {
  const box = document.getElementById("notices");
  const line = document.createElement("p");
  line.textContent = text;
  box.append(line);
  setTimeout(() => line.remove(), 6000);
}

// Says what went wrong when nothing else on the page does.
export async function tell(name, values) {
  const answer = await act(name, values);
  if (!answer.ok) notice(`That did not work: ${answer.failure ?? answer.error}`);
  return answer;
}
