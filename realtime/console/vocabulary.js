// The contract's words and ranks, as people read them. The server makes words.js from
// models/vocabulary.py and the table of moves. Colours are in style.css, by data-severity.

import { shownId } from "/dashboard/ids.js";
import { SEVERITIES, STATUS_TITLES, TYPE_TITLES } from "/dashboard/words.js";

const EVENT_LABELS = { finding_created: "Finding", ticket_updated: "Ticket" };

export function labelOf(payload) {
  return (
    TYPE_TITLES[payload.anomaly_type] ??
    payload.anomaly_type ??
    EVENT_LABELS[payload.type] ??
    String(payload.type)
  );
}

export function statusLabel(status) {
  return STATUS_TITLES[status] ?? String(status);
}

/** Rank a severity: 1 for LOW up to 4 for CRITICAL, and 0 for a message without one. */
export function rank(severity) {
  return SEVERITIES.includes(severity) ? SEVERITIES.length - SEVERITIES.indexOf(severity) : 0;
}

export function isAnomaly(payload) {
  return typeof payload.anomaly_id === "string";
}

/** Say whether an anomaly still holds and nobody has closed it. */
export function isStanding(payload) {
  return (
    isAnomaly(payload) && !["WITHDRAWN", "FALSE_POSITIVE", "RESOLVED"].includes(payload.status)
  );
}

/** Return the sentence for a row. The fields of a finding or a ticket are its sender's own. */
export function summaryOf(payload) {
  if (isAnomaly(payload)) return text(payload.explanation);
  return text(
    ["title", "summary", "message", "explanation", "description"]
      .map((name) => payload[name])
      .find((value) => typeof value === "string"),
  );
}

export function personOf(payload) {
  return (
    text(payload.person_name) ||
    (payload.person_id == null ? "" : `Person ${shownId(payload.person_id)}`)
  );
}

export function siteOf(payload) {
  return (
    text(payload.site_name) || (payload.site_id == null ? "" : `Site ${shownId(payload.site_id)}`)
  );
}

/** Write a code as words: `face_is_another_person` as `Face is another person`. */
export function words(code) {
  const plain = String(code).replaceAll("_", " ").trim();
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

function text(value) {
  return value == null || typeof value === "object" ? "" : String(value);
}
