// The words and ranks of the contract, as people read them. Colours are in style.css, by data-severity.
// The server makes words.js of models/vocabulary.py and the table of moves.

import { SEVERITIES, STATUS_TITLES, TYPE_TITLES } from "/dashboard/words.js";

const EVENT_LABELS = { finding_created: "Finding", ticket_updated: "Ticket" };

export function labelOf(payload) {
  return TYPE_TITLES[payload.anomaly_type] ?? payload.anomaly_type ?? EVENT_LABELS[payload.type] ?? String(payload.type);
}

export function statusLabel(status) {
  return STATUS_TITLES[status] ?? String(status);
}

/** 0 for a message without a severity, 1 for LOW up to 4 for CRITICAL. */
export function rank(severity) {
  return SEVERITIES.includes(severity) ? SEVERITIES.length - SEVERITIES.indexOf(severity) : 0;
}

export function isGrave(payload) {
  return rank(payload.severity) >= rank("HIGH");
}

export function isAnomaly(payload) {
  return typeof payload.anomaly_id === "string";
}

/** It holds, and nobody has set it aside. */
export function isStanding(payload) {
  return isAnomaly(payload) && !["WITHDRAWN", "FALSE_POSITIVE", "RESOLVED"].includes(payload.status);
}

/** What a row says of a finding or a ticket, whose fields are its sender's own. */
export function summaryOf(payload) {
  if (isAnomaly(payload)) return text(payload.explanation);
  return text(["title", "summary", "message", "explanation", "description"].map((name) => payload[name]).find((value) => typeof value === "string"));
}

export function personOf(payload) {
  return text(payload.person_name) || (payload.person_id == null ? "" : `Person ${text(payload.person_id)}`);
}

export function siteOf(payload) {
  return text(payload.site_name) || (payload.site_id == null ? "" : `Site ${text(payload.site_id)}`);
}

/** `face_is_another_person` and `distance_km` as words. */
export function words(code) {
  const plain = String(code).replaceAll("_", " ").trim();
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

function text(value) {
  return value == null || typeof value === "object" ? "" : String(value);
}
