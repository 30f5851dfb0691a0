// Shows evidence and other nested values as tables that a person can read.

import { element } from "/dashboard/element.js";
import { inFull, isInstant } from "/dashboard/times.js";
import { words } from "/dashboard/vocabulary.js";
import { TYPE_TITLES } from "/dashboard/words.js";

const MOST_LEVELS = 6;
const UNITS = {
  m: "m",
  km: "km",
  kmh: "km/h",
  hours: "h",
  minutes: "min",
  seconds: "s",
  degrees: "°",
  deg: "°",
};

/** Make a table of an object's fields, in their order, but for those that `leaveOut` names. */
export function fieldTable(object, caption, leaveOut = [], depth = 0) {
  const rows = Object.entries(object)
    .filter(([name]) => !leaveOut.includes(name))
    .flatMap(([name, value]) => fieldRows(name, value, depth));
  const heading = caption ? element("caption", {}, caption) : null;
  return element("table", { class: "fields" }, heading, element("tbody", {}, ...rows));
}

function fieldRows(name, value, depth) {
  const [label, unit] = withoutUnit(name);
  const content = shown(value, unit, depth);
  if (!(content instanceof HTMLTableElement || content instanceof HTMLOListElement)) {
    return [
      element("tr", {}, element("th", { scope: "row" }, words(label)), element("td", {}, content)),
    ];
  }
  const heading = element(
    "tr",
    { class: "group" },
    element("th", { scope: "rowgroup", colspan: 2 }, words(label)),
  );
  return [heading, element("tr", {}, element("td", { colspan: 2 }, content))];
}

function withoutUnit(name) {
  const parts = name.split("_");
  const unit = parts.length > 1 ? UNITS[parts.at(-1)] : undefined;
  return unit ? [parts.slice(0, -1).join("_"), unit] : [name, ""];
}

function shown(value, unit, depth) {
  if (value === null || value === undefined || value === "")
    return element("span", { class: "none" }, "none");
  if (typeof value === "object")
    return depth >= MOST_LEVELS ? JSON.stringify(value) : nested(value, unit, depth + 1);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (isInstant(value)) return inFull(value);
  if (typeof value === "number") return measure(value, unit);
  return TYPE_TITLES[value] ?? withUnit(String(value), unit);
}

function nested(value, unit, depth) {
  if (!Array.isArray(value)) return fieldTable(value, "", [], depth);
  if (value.length === 0) return element("span", { class: "none" }, "none");
  if (value.some((item) => item !== null && typeof item === "object")) {
    return element(
      "ol",
      { class: "several" },
      ...value.map((item) => element("li", {}, shown(item, unit, depth))),
    );
  }
  return value
    .map((item) => (isInstant(item) ? inFull(item) : withUnit(String(item), unit)))
    .join(", ");
}

function measure(value, unit) {
  if (unit === "m" && Math.abs(value) >= 10_000) return withUnit(figure(value / 1000), "km");
  return withUnit(figure(value), unit);
}

// Whole numbers, such as ids, are written as they are; a measure keeps four to six digits.
function figure(value) {
  return Number.isInteger(value)
    ? String(value)
    : String(Number(value.toPrecision(Math.abs(value) >= 1000 ? 6 : 4)));
}

function withUnit(text, unit) {
  return unit ? `${text}\u00a0${unit}` : text;
}
