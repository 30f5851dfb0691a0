// One row of the feed.

import { element, setText } from "/dashboard/element.js";
import { clock, inFull } from "/dashboard/times.js";
import { labelOf, personOf, siteOf, statusLabel, summaryOf } from "/dashboard/vocabulary.js";

const PARTS = ["when", "chip", "what", "who", "where", "status", "score", "why"];

export class Row {
  #parts = Object.fromEntries(
    PARTS.map((name) => [name, element(name === "when" ? "time" : "span", { class: name })]),
  );
  #drawn = "";

  constructor(entry, today) {
    this.key = entry.key;
    this.button = element(
      "button",
      { type: "button", tabindex: -1 },
      ...PARTS.map((name) => this.#parts[name]),
    );
    this.node = element("li", { class: "row", "data-key": entry.key }, this.button);
    this.draw(entry, today);
  }

  /** Draw a version unless it is shown. `today` matters: after midnight a time needs its date. */
  draw(entry, today) {
    const version = `${entry.version} ${today}`;
    if (version === this.#drawn) return;
    this.#drawn = version;
    const { payload } = entry;
    const status = payload.status ?? "";
    this.node.dataset.severity = payload.severity ?? "";
    this.node.dataset.status = status;
    this.#parts.when.dateTime = payload.timestamp ?? "";
    this.#parts.when.title = inFull(payload.timestamp);
    this.#parts.chip.dataset.severity = payload.severity ?? "";
    setText(this.#parts.when, clock(payload.timestamp));
    setText(this.#parts.chip, payload.severity ?? "INFO");
    setText(this.#parts.what, labelOf(payload));
    setText(this.#parts.who, personOf(payload));
    setText(this.#parts.where, siteOf(payload));
    setText(this.#parts.status, status && status !== "DETECTED" ? statusLabel(status) : "");
    setText(
      this.#parts.score,
      typeof payload.fraud_score === "number" ? payload.fraud_score.toFixed(2) : "",
    );
    this.#parts.score.title = "Fraud score";
    setText(this.#parts.why, summaryOf(payload));
  }

  select(isSelected) {
    if (isSelected) this.button.setAttribute("aria-current", "true");
    else this.button.removeAttribute("aria-current");
  }
}
