// Counts the standing anomalies by severity, of the last 24 hours or of what of them is loaded.

import { byId, element, setText } from "/dashboard/element.js";
import { clock } from "/dashboard/times.js";
import { isStanding } from "/dashboard/vocabulary.js";
import { SEVERITIES } from "/dashboard/words.js";

const DAY_MS = 86_400_000;

export class Counters {
  #span = byId("counters-span");
  #figures = new Map();

  constructor() {
    for (const severity of SEVERITIES) {
      const figure = element("dd", { "data-count": severity }, "0");
      this.#figures.set(severity, figure);
      byId("counters").append(
        element(
          "div",
          { class: "counter", "data-severity": severity },
          element("dt", {}, severity),
          figure,
        ),
      );
    }
  }

  /** Draw the counts. `complete` says that the feed has nothing older than what is loaded. */
  draw(feed, { complete, filtered }) {
    const since = Date.now() - DAY_MS;
    const recent = feed.entries.filter((entry) => Date.parse(entry.payload.timestamp) >= since);
    const standing = recent.filter((entry) => isStanding(entry.payload));
    for (const [severity, figure] of this.#figures) {
      setText(
        figure,
        String(standing.filter((entry) => entry.payload.severity === severity).length),
      );
    }
    const whole = complete || recent.length < feed.entries.length || feed.entries.length === 0;
    const from = whole
      ? "detected in the last 24 hours"
      : `among the messages loaded, from ${clock(recent[0].payload.timestamp)} on`;
    setText(this.#span, filtered ? `${from}, within the filter` : from);
  }
}
