// The alert queue on the page. A row stays in the document while its alert is shown, so that it
// keeps the focus.

import { byId, element, setText } from "/dashboard/element.js";
import { Roving } from "/dashboard/roving.js";
import { clock, inFull } from "/dashboard/times.js";
import { labelOf, personOf, siteOf, statusLabel } from "/dashboard/vocabulary.js";
import { WAITING } from "/dashboard/words.js";

const MOST_ROWS = 300;

export class QueueView {
  #list = byId("queue");
  #roving = new Roving(this.#list);
  #rows = new Map();

  constructor(open) {
    this.#list.addEventListener("click", (event) => {
      const row = event.target.closest("li");
      if (row) open(row.dataset.alert);
    });
  }

  draw(alerts, selected, problem) {
    const waiting = alerts.filter((alert) => WAITING.includes(alert.status)).length;
    setText(byId("queue-count"), counted(waiting, alerts.length - waiting));
    const shown = alerts.slice(0, MOST_ROWS);
    const kept = new Set(shown.map((alert) => alert.alert_id));
    for (const [id, row] of this.#rows) if (!kept.has(id)) this.#forget(id, row);
    shown.forEach((alert, place) => this.#place(this.#row(alert, selected), place));
    this.#roving.ensure();
    byId("queue-empty").hidden = shown.length > 0 && !problem;
    setText(byId("queue-empty"), problem || "No alert is open.");
    byId("queue-more").hidden = alerts.length <= MOST_ROWS;
    setText(byId("queue-more"), `And ${alerts.length - MOST_ROWS} more; the filter narrows them.`);
  }

  focus(id) {
    (this.#rows.get(id)?.querySelector("button") ?? byId("queue-title")).focus();
  }

  // Moves a row only if it is out of place: moving a node takes the focus from it.
  #place(row, place) {
    const there = this.#list.children[place] ?? null;
    if (there !== row) this.#list.insertBefore(row, there);
  }

  #forget(id, row) {
    row.remove();
    this.#rows.delete(id);
  }

  #row(alert, selected) {
    const row = this.#rows.get(alert.alert_id) ?? this.#makeRow(alert);
    const part = (name) => row.querySelector(`.${name}`);
    row.dataset.severity = part("chip").dataset.severity = alert.severity;
    row.dataset.status = alert.status;
    setText(part("chip"), alert.severity);
    setText(part("what"), labelOf(alert));
    setText(part("count"), alert.count > 1 ? `× ${alert.count}` : "");
    setText(part("who"), personOf(alert));
    setText(part("where"), siteOf(alert));
    setText(part("status"), state(alert));
    setText(part("when"), clock(alert.last_seen));
    part("when").title = inFull(alert.last_seen);
    if (alert.alert_id === selected) row.firstChild.setAttribute("aria-current", "true");
    else row.firstChild.removeAttribute("aria-current");
    return row;
  }

  #makeRow(alert) {
    const part = (name) => element("span", { class: name });
    const button = element(
      "button",
      { type: "button", tabindex: -1 },
      ...["when", "chip", "what", "count", "who", "where", "status"].map(part),
    );
    const row = element("li", { class: "alert-row", "data-alert": alert.alert_id }, button);
    this.#rows.set(alert.alert_id, row);
    return row;
  }
}

// Says what an alert waits for, and when it escalates if nobody does anything.
function state(alert) {
  const next = alert.escalates_at ? `, escalates at ${clock(alert.escalates_at)}` : "";
  if (alert.status === "ASSIGNED") return `With ${alert.assigned_to}`;
  if (alert.status === "ESCALATED") {
    return (alert.escalated_to ? `Escalated to ${alert.escalated_to}` : "Escalated") + next;
  }
  if (alert.status === "SUPPRESSED") return `Kept quiet: ${alert.quiet_reason ?? ""}`;
  return statusLabel(alert.status) + next;
}

function counted(waiting, quiet) {
  return `${waiting} open${quiet ? `, ${quiet} kept quiet` : ""}`;
}
