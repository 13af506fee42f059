// Numbers and times as people read them. Times are UTC, as everywhere in adclick.

const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const count = (value) => (value === null || value === undefined ? "–" : whole.format(value));
export const short = (value) => (value === null || value === undefined ? "–" : compact.format(value));

export function percent(rate, digits = 2) {
  return rate === null || rate === undefined ? "–" : `${(rate * 100).toFixed(digits)}\u00a0%`;
}

export function ratio(change) {
  if (change === null || change === undefined) return "–";
  return change >= 10 ? `${change.toFixed(0)}×` : `${change.toFixed(2)}×`;
}

export const z = (value) => (value === null || value === undefined ? "–" : `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`);

const iso = (ms) => new Date(ms).toISOString();
export const clock = (ms) => iso(ms).slice(11, 16);
export const clockSeconds = (ms) => iso(ms).slice(11, 19);
export const day = (ms) => iso(ms).slice(0, 10);

// A window of whole minutes needs no seconds.
export const moment = (ms) => (ms % 60000 ? clockSeconds(ms) : clock(ms));

export function dated(ms, now) {
  return day(ms) === day(now) ? moment(ms) : `${day(ms)} ${moment(ms)}`;
}

export function age(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}
