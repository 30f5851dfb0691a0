// Writes instants for people: in the zone of the browser's machine, with UTC beside it.

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const toTheSecond = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const date = { day: "2-digit", month: "short", year: "numeric" };

const clockHere = new Intl.DateTimeFormat("en-GB", toTheSecond);
const dayHere = new Intl.DateTimeFormat("en-GB", {
  day: "2-digit",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const fullHere = new Intl.DateTimeFormat("en-GB", {
  ...date,
  ...toTheSecond,
  timeZoneName: "short",
});
const dateHere = new Intl.DateTimeFormat("en-GB", date);
const dateUtc = new Intl.DateTimeFormat("en-GB", { ...date, timeZone: "UTC" });
const clockUtc = new Intl.DateTimeFormat("en-GB", { ...toTheSecond, timeZone: "UTC" });
const fullUtc = new Intl.DateTimeFormat("en-GB", { ...date, ...toTheSecond, timeZone: "UTC" });

export function isInstant(value) {
  return (
    typeof value === "string" &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  );
}

/** Write the time of day, with its day unless it is today. Takes ISO text or milliseconds. */
export function clock(instant) {
  const at = new Date(instant ?? NaN);
  if (Number.isNaN(at.getTime())) return "";
  return at.toDateString() === new Date().toDateString()
    ? clockHere.format(at)
    : dayHere.format(at);
}

/** Write `23 Nov 2026, 09:14:05 CET (08:14:05 UTC)`, and the date in UTC if it is another. */
export function inFull(instant) {
  const at = new Date(instant ?? NaN);
  if (Number.isNaN(at.getTime())) return "";
  if (["UTC", "Etc/UTC"].includes(zone)) return `${fullUtc.format(at)} UTC`;
  const isSameDay = dateHere.format(at) === dateUtc.format(at);
  return `${fullHere.format(at)} (${(isSameDay ? clockUtc : fullUtc).format(at)} UTC)`;
}

/** Write a duration: `1 h 05 min`, `4 min`, `50 s`. */
export function span(milliseconds) {
  const total = Math.max(0, Math.round(milliseconds / 1000));
  if (total < 60) return `${total} s`;
  const minutes = Math.round(total / 60);
  return minutes < 60
    ? `${minutes} min`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
