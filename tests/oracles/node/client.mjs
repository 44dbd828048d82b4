// Slack's own Node SDK as a client of the local Slack: does a bit of everything and prints what it saw as one JSON object.
// Usage: node client.mjs FOLDER_OF_PACKAGES BASE_URL

import { createRequire } from "node:module";

const [folder, base] = process.argv.slice(2);
const load = createRequire(`${folder}/package.json`);
const { WebClient, LogLevel } = load("@slack/web-api");
const { SocketModeClient } = load("@slack/socket-mode");

const slackApiUrl = `${base}api/`;
const quiet = { slackApiUrl, logLevel: LogLevel.ERROR };
const web = new WebClient("xoxb-emulator-test", quiet);
const saw = {};

async function act(name, values) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${base}__box/${name}`, { method: "POST", headers, body: JSON.stringify(values) });
  return answer.json();
}

const type = (text) => act("command", { user: "ada", channel: "general", text });
const refusal = (call) => call.then(() => "no refusal", (error) => error.data);

// A file is shared a while after its upload was answered.
async function until(found) {
  for (let tries = 0; tries < 45; tries += 1) {
    const value = await found();
    if (value) return value;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("it never came");
}

async function messages() {
  const { channel } = await web.conversations.create({ name: "inc-1-node" });
  const posted = await web.chat.postMessage({ channel: channel.id, text: "one", metadata: { event_type: "card", event_payload: { n: 1 } } });
  await web.chat.update({ channel: channel.id, ts: posted.ts, text: "two" });
  await web.pins.add({ channel: channel.id, timestamp: posted.ts });
  await web.files.uploadV2({ channel_id: channel.id, filename: "a.txt", file: Buffer.from("bytes"), initial_comment: "a file" });
  const history = await until(async () => {
    const read = await web.conversations.history({ channel: channel.id, include_all_metadata: true });
    return read.messages.length === 2 && read;
  });
  saw.history = history.messages.map(({ text, metadata, files }) => [text, metadata?.event_payload ?? null, files?.[0].name ?? null]);
  saw.scopes = (await web.auth.test()).response_metadata.scopes.length;
}

async function pages() {
  saw.pages = [];
  for await (const page of web.paginate("conversations.list", { limit: 2 })) saw.pages.push(page.channels.length);
}

async function modal() {
  const { trigger_id } = await type("/incident start");
  const text = (words) => ({ type: "plain_text", text: words });
  const element = { type: "plain_text_input", action_id: "v" };
  const view = { type: "modal", title: text("Start"), submit: text("Go"), blocks: [{ type: "input", label: text("What?"), element }] };
  saw.view = (await web.views.open({ trigger_id, view })).view.title.text;
  saw.again = (await refusal(web.views.open({ trigger_id, view }))).error;
  const bad = [{ type: "header", text: { type: "mrkdwn", text: "x" } }];
  saw.invalid = await refusal(web.chat.postMessage({ channel: "#general", text: "x", blocks: bad }));
}

async function limits() {
  let waits = 0;
  const patient = new WebClient("xoxb-emulator-test", quiet);
  patient.on("rate_limited", () => (waits += 1));
  await act("faults", { method: "chat.postMessage", mode: "429", retry_after_s: 1 });
  saw.patient = (await patient.chat.postMessage({ channel: "#general", text: "after a while" })).ok;
  saw.waits = waits;
}

async function oauth() {
  const redirect_uri = "http://127.0.0.1:9/slack/oauth_redirect";
  const asked = { client_id: "1.2", scope: "chat:write,commands", redirect_uri, state: "s1", team: "T0BOX0002", answer: "allow" };
  const consent = await fetch(`${base}oauth/v2/authorize`, { method: "POST", body: new URLSearchParams(asked), redirect: "manual" });
  const back = new URL(consent.headers.get("location"));
  saw.state = back.searchParams.get("state");
  const exchange = { client_id: "1.2", client_secret: "emulator-secret", code: back.searchParams.get("code"), redirect_uri };
  const installed = await new WebClient(undefined, quiet).oauth.v2.access(exchange);
  saw.team = [installed.team.id, installed.bot_user_id, installed.scope];
  const other = new WebClient(installed.access_token, quiet);
  saw.missing = await refusal(other.conversations.create({ name: "inc-2" }));
  saw.unknown = (await refusal(other.chat.postMessage({ channel: "C0BOX0001", text: "x" }))).error;
}

async function sockets() {
  const client = new SocketModeClient({ appToken: "xapp-emulator-test", logLevel: LogLevel.ERROR, clientOptions: { slackApiUrl } });
  client.on("slash_commands", ({ body, ack }) => ack({ text: `heard ${body.text}` }));
  await client.start();
  await type("/incident by socket");
  const general = (await (await fetch(`${base}__box/state`)).json()).channels.find((one) => one.name === "general");
  saw.socket = general.ephemerals.at(-1).text;
  await client.disconnect();
}

for (const part of [messages, pages, modal, limits, oauth, sockets]) await part();
console.log(JSON.stringify(saw));
