// The panel of one alert: its facts, the moves an operator may make, its trail and its anomalies.

import { notDone } from "/dashboard/connection.js";
import { byId, element, setText } from "/dashboard/element.js";
import { whenReleased } from "/dashboard/frames.js";
import { rest } from "/dashboard/rest.js";
import { clock, inFull, span } from "/dashboard/times.js";
import { labelOf, personOf, siteOf, statusLabel, words } from "/dashboard/vocabulary.js";
import { MOVES } from "/dashboard/words.js";

const MOST_CORRELATED = 8;
const LABELS = { note: "Add note" }; // the other moves are labelled with their names

export class AlertPanel {
  #panel = byId("alert-panel");
  #parts = {};
  #shown = null;
  #load = 0;
  #on;

  /**
   * `on` has `close()`, `me()` (the user's name), `mayMove()`, `open(alert_id)`,
   * `openAnomaly(anomaly)`, `move(name, data)`, which resolves to the alert or rejects with a
   * Refusal, and `correlated(alert)`, the other open alerts of the same event.
   */
  constructor(on) {
    this.#on = on;
    this.#panel.addEventListener("keydown", (event) => event.key === "Escape" && on.close());
  }

  get id() {
    return this.#shown?.alert_id ?? null;
  }

  open(alert) {
    this.#panel.hidden = false;
    this.#build();
    this.#shown = null;
    this.refresh(alert);
    byId("alert-title").focus();
    this.#panel.scrollTop = 0;
  }

  close() {
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
    this.#shown = null;
  }

  /** Show `alert` if it is newer than what is shown. Text that is being typed stays. */
  refresh(alert) {
    if (alert === undefined || (this.#shown && this.#shown.version >= alert.version)) return;
    this.#shown = alert;
    this.#panel.dataset.severity = alert.severity;
    setText(byId("alert-title"), labelOf(alert));
    setText(this.#parts.message, alert.message);
    this.#parts.facts.replaceChildren(
      ...facts(alert).map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value)),
      ),
    );
    this.#offerMoves(alert.status);
    this.#drawCorrelated(alert);
    this.#loadTrail(alert.alert_id);
  }

  // Enables the moves that the table allows. It is only an offer: the server decides.
  #offerMoves(status) {
    for (const [move, button] of Object.entries(this.#parts.buttons)) {
      button.disabled = !MOVES[move].includes(status);
    }
  }

  #drawCorrelated(alert) {
    const others = this.#on.correlated(alert);
    this.#parts.correlated.hidden = others.length === 0;
    const more =
      others.length > MOST_CORRELATED
        ? element("li", { class: "hint" }, `And ${others.length - MOST_CORRELATED} more.`)
        : null;
    const items = others
      .slice(0, MOST_CORRELATED)
      .map((other) =>
        link(`${labelOf(other)}: ${personOf(other)}, ${siteOf(other)}`, other.last_seen, () =>
          this.#on.open(other.alert_id),
        ),
      );
    this.#parts.correlated.replaceChildren(
      element("h3", {}, "Seen together with"),
      element("ul", { class: "within" }, ...items, ...(more ? [more] : [])),
    );
  }

  #build() {
    const close = element("button", { type: "button", class: "quiet" }, "Close");
    close.addEventListener("click", () => this.#on.close());
    const buttons = Object.fromEntries(
      Object.keys(MOVES).map((move) => [
        move,
        element(
          "button",
          { type: "button", "data-move": move, class: move === "acknowledge" ? "primary" : null },
          LABELS[move] ?? words(move),
        ),
      ]),
    );
    const note = element("input", { id: "alert-note", maxlength: 2000, autocomplete: "off" });
    const assignee = element("input", {
      id: "alert-assignee",
      maxlength: 200,
      autocomplete: "off",
      value: this.#on.me(),
    });
    for (const [move, button] of Object.entries(buttons)) {
      button.addEventListener("click", () => this.#move(move));
    }
    for (const [input, button] of [
      [note, buttons.note],
      [assignee, buttons.assign],
    ]) {
      input.addEventListener("keydown", (event) => event.key === "Enter" && button.click());
    }
    this.#parts = {
      buttons,
      note,
      assignee,
      message: element("p", { class: "explanation" }),
      facts: element("dl", { class: "facts" }),
      problem: element("p", { class: "problem", role: "alert", id: "alert-problem" }),
      trail: element("ol", { class: "trail" }),
      anomalies: element("ul", { class: "within" }),
      correlated: element("div", { id: "alert-correlated" }),
    };
    const labels = [
      element("label", { for: "alert-note" }, "Note"),
      element("label", { for: "alert-assignee" }, "Assign to"),
    ];
    // The moves that need no typed text stand in a line of their own.
    const bare = Object.keys(buttons).filter((move) => move !== "note" && move !== "assign");
    const rest = element("p", { class: "move-buttons" }, ...bare.map((move) => buttons[move]));
    const form = element(
      "div",
      { class: "moves" },
      labels[0],
      note,
      buttons.note,
      labels[1],
      assignee,
      buttons.assign,
      rest,
      this.#parts.problem,
    );
    this.#panel.replaceChildren(
      element(
        "div",
        { class: "details-head" },
        element("h2", { id: "alert-title", tabindex: -1 }),
        close,
      ),
      this.#parts.message,
      this.#on.mayMove()
        ? form
        : element("p", { class: "hint" }, "Moving alerts needs the role operator."),
      this.#parts.facts,
      element("h3", {}, "Trail"),
      this.#parts.trail,
      element("h3", {}, "Anomalies in it"),
      this.#parts.anomalies,
      this.#parts.correlated,
    );
  }

  async #move(move) {
    const { buttons, note, assignee, problem } = this.#parts;
    for (const button of Object.values(buttons)) button.disabled = true;
    setText(problem, "");
    try {
      const data = { alert_id: this.id, version: this.#shown.version, note: note.value || null };
      await this.#on.move(move, move === "assign" ? { ...data, assignee: assignee.value } : data);
      note.value = "";
    } catch (error) {
      setText(problem, notDone(error));
    }
    this.#offerMoves(this.#shown?.status);
  }

  // Answers may arrive in any order: only the one to the latest request is shown.
  async #loadTrail(id) {
    const mine = ++this.#load;
    try {
      const shown = await rest(`alerts/${encodeURIComponent(id)}`);
      if (mine === this.#load) whenReleased(() => this.id === id && this.#drawTrail(shown));
    } catch (error) {
      if (mine !== this.#load || this.id !== id) return;
      this.#parts.trail.replaceChildren(
        element("li", { class: "problem" }, `The trail could not be loaded: ${error.message}.`),
      );
    }
  }

  #drawTrail({ trail, anomalies }) {
    this.#parts.trail.replaceChildren(...trail.reverse().map(line));
    const within = anomalies.map((anomaly) =>
      link(`${statusLabel(anomaly.status)}. ${anomaly.explanation}`, anomaly.occurred_at, () =>
        this.#on.openAnomaly(anomaly),
      ),
    );
    this.#parts.anomalies.replaceChildren(...within);
  }
}

function facts(alert) {
  return [
    ["Status", element("strong", { id: "alert-status" }, statusLabel(alert.status))],
    [
      "Severity",
      element("span", { class: "chip", "data-severity": alert.severity }, alert.severity),
    ],
    ["Person", personOf(alert)],
    ["Site", siteOf(alert)],
    ["Anomalies", String(alert.count)],
    ["First seen", inFull(alert.first_seen)],
    ["Last seen", inFull(alert.last_seen)],
    alert.assigned_to && ["Assigned to", alert.assigned_to],
    alert.escalated_to && ["Escalated to", alert.escalated_to],
    alert.escalates_at && ["Escalates", inFull(alert.escalates_at)],
    alert.quiet_reason && ["Kept quiet", alert.quiet_reason],
    alert.quiet_until && ["Until", inFull(alert.quiet_until)],
    took("Acknowledged after", alert.seconds_to_acknowledge),
    took("Resolved after", alert.seconds_to_resolve),
  ].filter(Boolean);
}

function took(name, seconds) {
  return typeof seconds === "number" && [name, span(seconds * 1000)];
}

// How a trail names each change: the operators' moves, and what the pipeline does by itself.
const DONE = {
  create: "Opened",
  acknowledge: "Acknowledged",
  assign: "Assigned",
  escalate: "Escalated",
  resolve: "Resolved",
  note: "Noted",
  relapse: "Fell back to New",
  raise: "Raised again",
  wait: "Stays quiet",
};

function line({ at, actor, move, from_status: from, to_status: to, note, assignee, added }) {
  const anomalies = added === 1 ? "1 anomaly" : `${added} anomalies`;
  const what =
    move === "bump"
      ? added
        ? `${anomalies} more`
        : "Graver"
      : [DONE[move] ?? words(move), assignee && `to ${assignee}`, added && `with ${anomalies}`]
          .filter(Boolean)
          .join(" ");
  const time = element("time", { datetime: at, title: inFull(at) }, clock(at));
  const becomes =
    ["create", "bump"].includes(move) && from !== to && to !== "NEW" ? `: ${statusLabel(to)}` : "";
  return element(
    "li",
    {},
    time,
    element(
      "span",
      {},
      element("strong", {}, what),
      ` by ${actor}${becomes}`,
      note ? element("span", { class: "trail-note" }, note) : null,
    ),
  );
}

function link(text, at, open) {
  const button = element("button", { type: "button", class: "link" }, text);
  button.addEventListener("click", open);
  return element("li", {}, element("time", { datetime: at, title: inFull(at) }, clock(at)), button);
}
