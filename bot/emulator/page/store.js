// What this page knows. It changes through `load` and `hear` only; whoever draws subscribes.

export const store = {
  ready: false, connected: true,
  app: {}, team: "", commands: [], shortcuts: [], labs: [],
  users: new Map(), groups: new Map(), channels: new Map(), messages: new Map(),
  views: {}, homes: {}, unread: {},
  me: null, place: null, thread: null,
};
const listeners = new Set();
let scheduled = false;

export function subscribe(listener) {
  listeners.add(listener);
}

export function changed() {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    for (const listener of listeners) listener();
  });
}

export function load(page) {
  const byId = (items) => new Map(items.map((item) => [item.id, item]));
  Object.assign(store, {
    ready: true, app: page.app, team: page.team, commands: page.commands, shortcuts: page.shortcuts, labs: page.labs,
    users: byId(page.users), groups: byId(page.usergroups), channels: byId(page.channels),
    views: page.views, homes: page.homes, messages: new Map(),
  });
  for (const message of page.messages) keep(message);
  changed();
}

export function hear(note) {
  if (note.kind === "message") {
    keep(note.message);
    if (note.new) countUnread(note.message);
  } else if (note.kind === "message_deleted") {
    store.messages.get(note.channel)?.delete(note.ts);
    if (store.thread === note.ts) store.thread = null;
  } else if (note.kind === "channel") {
    store.channels.set(note.channel.id, note.channel);
  } else if (note.kind === "views") {
    store.views[note.user] = note.stack;
    if (note.home) store.homes[note.user] = note.home;
  }
  changed();
}

function keep(message) {
  if (!store.messages.has(message.channel)) store.messages.set(message.channel, new Map());
  store.messages.get(message.channel).set(message.ts, message);
}

function countUnread(message) {
  if (message.reply) return;
  for (const user of store.channels.get(message.channel)?.members ?? []) {
    const reading = user === store.me && message.channel === store.place;
    if (user === message.user || reading) continue;
    const mine = (store.unread[user] ??= {});
    mine[message.channel] = (mine[message.channel] ?? 0) + 1;
  }
}

export function go(place) {
  if (store.place !== place) store.thread = null;
  store.place = place;
  if (store.unread[store.me]) delete store.unread[store.me][place];
  const channel = store.channels.get(place);
  const where = channel ? channel.name || channel.id : place;
  history.replaceState(null, "", `/${location.search}#/${store.users.get(store.me).name}/${where}`);
  changed();
}

export function become(user) {
  store.me = user;
  store.thread = null;
  const here = store.channels.get(store.place);
  go(here?.kind === "im" && !here.members.includes(user) ? channelNamed("general").id : store.place);
}

export function channelNamed(name) {
  return [...store.channels.values()].find((one) => one.name === name || one.id === name);
}

// In the order a person sees them: joined channels, the others, direct messages.
export function myChannels() {
  const all = [...store.channels.values()];
  const mine = (one) => one.members.includes(store.me);
  const named = all.filter((one) => one.name && !one.archived).sort((a, b) => a.name.localeCompare(b.name));
  return {
    joined: named.filter(mine),
    others: named.filter((one) => !mine(one) && one.kind === "public"),
    // The app's own conversation is behind its Home tab until something was said in it.
    direct: all.filter((one) => !one.name && mine(one) && (store.messages.get(one.id)?.size || store.place === one.id)),
    archived: all.filter((one) => one.archived && (mine(one) || one.kind === "public")),
  };
}

export function messagesOf(channel, { thread = null } = {}) {
  const all = [...(store.messages.get(channel)?.values() ?? [])];
  return all
    .filter((one) => !one.visible_to || one.visible_to === store.me)
    .filter((one) => (thread ? one.ts === thread || one.thread_ts === thread : !one.reply))
    .sort((a, b) => Number(a.ts) - Number(b.ts));
}

export function nameOf(user) {
  return store.users.get(user)?.real_name ?? user;
}

export function titleOf(channel) {
  if (channel.name) return channel.name;
  const others = channel.members.filter((user) => user !== store.me);
  return others.map(nameOf).join(", ") || nameOf(store.me);
}
