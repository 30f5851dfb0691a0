// The open alerts, gravest first: loaded once, then kept by what the feed says of them. Knows nothing of the page.

import { rank } from "/dashboard/vocabulary.js";
import { OPEN, WAITING } from "/dashboard/words.js";

export const MOST = 2000;

const URGENCY = { ESCALATED: 2, NEW: 1 };

export class Queue {
  #alerts = new Map();

  /** Takes an alert as it was at some moment; a version older than the one known changes nothing. */
  take(alert) {
    const known = this.#alerts.get(alert.alert_id);
    if (known && known.version > alert.version) return;
    this.#alerts.set(alert.alert_id, alert);
  }

  get(id) {
    return this.#alerts.get(id);
  }

  /** Those kept quiet last; then by severity; then escalated, new, and in somebody's hands; of equals the oldest first. */
  get open() {
    const open = [...this.#alerts.values()].filter((alert) => OPEN.includes(alert.status));
    const order = (alert) => (WAITING.includes(alert.status) ? 100 : 0) + 10 * rank(alert.severity) + (URGENCY[alert.status] ?? 0);
    return open.sort((one, other) => order(other) - order(one) || one.first_seen.localeCompare(other.first_seen));
  }

  /** Other open alerts that carry its correlation_id. */
  companyOf(alert) {
    return this.open.filter((other) => other.correlation_id === alert.correlation_id && other.alert_id !== alert.alert_id);
  }

  /** Before a list is loaded again: what is resolved meanwhile is not in it. */
  clear() {
    this.#alerts.clear();
  }
}
