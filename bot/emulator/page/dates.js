// Dates in the reader's time zone, by the tokens of Slack's <!date>.

const at = (when, options) => new Intl.DateTimeFormat(undefined, options).format(when);

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

export const clock = (when) => at(when, CLOCK);

export function day(when) {
  const days = Math.round((midnight(new Date()) - midnight(when)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days === -1) return "Tomorrow";
  return at(when, { weekday: "long", day: "numeric", month: "long" });
}

function midnight(when) {
  return new Date(when.getFullYear(), when.getMonth(), when.getDate()).getTime();
}

function ago(when) {
  const seconds = (when - Date.now()) / 1000;
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units[3];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

export function formatDate(when, format) {
  const named = (name) => ["Today", "Yesterday", "Tomorrow"].includes(day(when)) ? day(when).toLowerCase() : at(when, DATES[name]);
  return format.replace(/\{(\w+)\}/g, (whole, token) => {
    if (token === "time") return clock(when);
    if (token === "time_secs") return at(when, { ...CLOCK, second: "2-digit" });
    if (token === "ago") return ago(when);
    if (token === "date_num") return [when.getFullYear(), when.getMonth() + 1, when.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
    if (token.endsWith("_pretty")) return named(token.replace("_pretty", ""));
    return DATES[token] ? at(when, DATES[token]) : whole;
  });
}

const DATES = {
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
};

export const moment = (ts) => new Date(Number(ts) * 1000);
