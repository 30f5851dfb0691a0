// The open alerts, gravest first: loaded once, then kept up to date by the feed's messages. Knows
// nothing of the page.

import { rank } from "/dashboard/vocabulary.js";
import { OPEN, WAITING } from "/dashboard/words.js";

export const MOST_ALERTS = 2000;

const URGENCY = { ESCALATED: 2, NEW: 1 };

export class Queue {
  #alerts = new Map();

  /** Take a version of an alert. One older than the version known changes nothing. */
  take(alert) {
    const known = this.#alerts.get(alert.alert_id);
    if (known && known.version > alert.version) return;
    this.#alerts.set(alert.alert_id, alert);
  }

  get(id) {
    return this.#alerts.get(id);
  }

  /**
   * The open alerts in order: those kept quiet last; then by severity; then escalated before new
   * before those that somebody has taken up; then the oldest first.
   */
  get open() {
    const open = [...this.#alerts.values()].filter((alert) => OPEN.includes(alert.status));
    const order = (alert) =>
      (WAITING.includes(alert.status) ? 100 : 0) +
      10 * rank(alert.severity) +
      (URGENCY[alert.status] ?? 0);
    return open.sort(
      (one, other) => order(other) - order(one) || one.first_seen.localeCompare(other.first_seen),
    );
  }

  /** Return the other open alerts with its `correlation_id`. */
  correlatedWith(alert) {
    return this.open.filter(
      (other) => other.correlation_id === alert.correlation_id && other.alert_id !== alert.alert_id,
    );
  }

  /** Forget all alerts before the list is loaded again: it lacks those resolved meanwhile. */
  clear() {
    this.#alerts.clear();
  }
}
