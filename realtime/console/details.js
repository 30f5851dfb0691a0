// The panel of one message in full. An anomaly's review stands between its facts and its evidence.

import { byId, element } from "/dashboard/element.js";
import { fieldTable } from "/dashboard/evidence.js";
import { shownId } from "/dashboard/ids.js";
import { reviewButtons, reviewTrail } from "/dashboard/review.js";
import { inFull } from "/dashboard/times.js";
import {
  isAnomaly,
  labelOf,
  personOf,
  siteOf,
  statusLabel,
  summaryOf,
  words,
} from "/dashboard/vocabulary.js";

const ENVELOPE = ["type", "tenant_id", "site_id", "severity", "timestamp", "position"];

export class Details {
  #panel = byId("details");
  #onClose;
  #review;
  #shown = null;

  /** `review.ask(data)` sends a verdict to the server; `review.may()` says whether to offer one. */
  constructor(onClose, review) {
    this.#onClose = onClose;
    this.#review = review;
    this.#panel.addEventListener("keydown", (event) => event.key === "Escape" && onClose());
  }

  get key() {
    return this.#shown?.key ?? null;
  }

  open(entry) {
    this.#panel.hidden = false;
    this.#draw(entry);
    byId("details-title").focus();
    this.#panel.scrollTop = 0;
  }

  close() {
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
    this.#shown = null;
  }

  /** Draw the open message again if `entry` is a newer version of it. */
  refresh(entry) {
    if (entry === undefined || entry.version === this.#shown?.version) return;
    const hadFocus = this.#panel.contains(document.activeElement) ? document.activeElement.id : "";
    this.#draw(entry);
    if (hadFocus) byId(hadFocus)?.focus();
  }

  #draw(entry) {
    const { payload } = entry;
    this.#shown = { key: entry.key, version: entry.version };
    this.#panel.dataset.severity = payload.severity ?? "";
    this.#panel.dataset.status = payload.status ?? "";
    const close = element(
      "button",
      { type: "button", id: "details-close", class: "quiet" },
      "Close",
    );
    close.addEventListener("click", () => this.#onClose());
    this.#panel.replaceChildren(
      element(
        "div",
        { class: "details-head" },
        element("h2", { id: "details-title", tabindex: -1 }, labelOf(payload)),
        close,
      ),
      element("p", { class: "explanation" }, summaryOf(payload)),
      factList(isAnomaly(payload) ? anomalyFacts(payload) : messageFacts(payload)),
      isAnomaly(payload) && this.#review.may() ? reviewButtons(payload, this.#review.ask) : "",
      isAnomaly(payload) && payload.status !== "DETECTED" ? reviewTrail(payload) : "",
      isAnomaly(payload) ? evidenceTable(payload) : fieldTable(payload, "As it was sent", ENVELOPE),
    );
  }
}

function evidenceTable(payload) {
  const evidence = payload.evidence ?? {};
  if (Object.keys(evidence).length === 0)
    return element("p", { class: "hint" }, "No evidence was given.");
  return fieldTable(evidence, "Evidence");
}

function anomalyFacts(payload) {
  return [
    ["Severity", chip(payload.severity)],
    ["Status", statusLabel(payload.status)],
    ["Fraud score", score(payload.fraud_score)],
    ["Confidence", percent(payload.confidence)],
    ["Reason", words(payload.reason ?? "")],
    ["Person", named(personOf(payload), payload.person_id)],
    ["Site", named(siteOf(payload), payload.site_id)],
    [payload.shift_id ? "Shift starts" : "Punched", inFull(payload.occurred_at)],
    ["Detected", inFull(payload.timestamp)],
    payload.shift_id ? ["Shift", code(payload.shift_id)] : ["Punch", code(payload.punch_id)],
    ["Anomaly", code(payload.anomaly_id)],
    ...(payload.position ? [["Position", String(payload.position)]] : []),
  ];
}

function messageFacts(payload) {
  return [
    ["Severity", payload.severity ? chip(payload.severity) : "none"],
    [
      "Site",
      payload.site_id == null
        ? "none: for viewers of all sites"
        : named(siteOf(payload), payload.site_id),
    ],
    ["Said", inFull(payload.timestamp)],
    ["Position", String(payload.position)],
  ];
}

function factList(facts) {
  const pairs = facts.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value)),
  );
  return element("dl", { class: "facts" }, ...pairs);
}

function chip(severity) {
  return element("span", { class: "chip", "data-severity": severity }, String(severity));
}

function code(text) {
  return element("code", {}, String(text ?? ""));
}

function score(value) {
  return element(
    "span",
    { class: "score" },
    element("meter", { min: 0, max: 1, value, "aria-hidden": "true" }),
    decimals(value, 4),
  );
}

function percent(value) {
  return typeof value === "number" ? `${Math.round(value * 100)} %` : "unknown";
}

function decimals(value, digits) {
  return typeof value === "number" ? value.toFixed(digits) : "unknown";
}

function named(name, id) {
  return id == null || name.endsWith(` ${shownId(id)}`) ? name : `${name} (${shownId(id)})`;
}
