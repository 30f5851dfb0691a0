// The panel of silences and maintenance windows: lists those in force or planned, adds and ends.

import { notDone, Refusal } from "/dashboard/connection.js";
import { byId, element, setText } from "/dashboard/element.js";
import { whenReleased } from "/dashboard/frames.js";
import { parseIds, shownId } from "/dashboard/ids.js";
import { rest, restList } from "/dashboard/rest.js";
import { inFull } from "/dashboard/times.js";
import { SEVERITIES, TYPE_TITLES } from "/dashboard/words.js";

const MOST_ITEMS = 200;
const RELOAD_MS = 15_000;
const KINDS = {
  silence: "Silence, from now on",
  maintenance: "Maintenance, once",
  recurring: "Maintenance, again and again",
};

export class QuietPanel {
  #panel = byId("quiet-panel");
  #list = element("ul", { class: "quiets" });
  #problem = element("p", { class: "problem", role: "alert", id: "quiet-problem" });
  #mayChange;
  #load = 0;

  constructor({ close, mayChange }) {
    this.#mayChange = mayChange;
    this.close = close;
    this.#panel.addEventListener("keydown", (event) => event.key === "Escape" && close());
    setInterval(() => this.isOpen && !document.hidden && this.#loadList(), RELOAD_MS);
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  open() {
    const close = element("button", { type: "button", class: "quiet" }, "Close");
    close.addEventListener("click", () => this.close());
    this.#panel.replaceChildren(
      element(
        "div",
        { class: "details-head" },
        element("h2", { id: "quiet-title", tabindex: -1 }, "Silences and maintenance"),
        close,
      ),
      element(
        "p",
        { class: "hint" },
        "Alerts that match are kept quiet: " +
          "recorded, suppressed, and raised at the end if they still stand.",
      ),
      this.#list,
      this.#mayChange() ? this.#form() : "",
      this.#problem,
    );
    setText(this.#problem, "");
    this.#list.replaceChildren();
    this.#panel.hidden = false;
    byId("quiet-title").focus();
    this.#loadList();
  }

  hide() {
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
  }

  // Only the answer to the latest request is shown: an earlier one may still list what was ended
  // meanwhile.
  async #loadList() {
    const mine = ++this.#load;
    try {
      const items = await restList("quiet?state=planned,in_force", MOST_ITEMS);
      const nothing = element("li", { class: "none" }, "Nothing is kept quiet.");
      if (mine !== this.#load) return;
      this.#show(items.length ? items.map((item) => this.#item(item)) : [nothing]);
    } catch (error) {
      if (mine !== this.#load) return;
      const problem = `What is kept quiet could not be loaded: ${error.message}.`;
      this.#show([element("li", { class: "problem" }, problem)]);
    }
  }

  #show(items) {
    whenReleased(() => {
      const active = document.activeElement;
      const focused = this.#list.contains(active) ? active.dataset.end : "";
      this.#list.replaceChildren(...items);
      if (!focused) return;
      (this.#list.querySelector(`[data-end="${focused}"]`) ?? byId("quiet-title")).focus();
    });
  }

  #item(quiet) {
    const end = element("button", { type: "button", "data-end": quiet.quiet_id }, "End now");
    end.addEventListener("click", () =>
      this.#do(() => rest(`quiet/${quiet.quiet_id}`, { method: "DELETE" })),
    );
    return element(
      "li",
      {},
      element("strong", {}, quiet.reason),
      element("span", {}, `${when(quiet)}, by ${quiet.author}. For ${scope(quiet)}.`),
      element(
        "span",
        { class: "hint" },
        `It hid ${quiet.hid_anomalies} anomalies in ${quiet.hid_alerts} alerts.`,
      ),
      this.#mayChange() ? end : null,
    );
  }

  #form() {
    const field = (name, label, attributes = {}) =>
      element(
        "label",
        { "data-field": name },
        label,
        element("input", { name, autocomplete: "off", ...attributes }),
      );
    const pick = (name, label, choices) =>
      element(
        "label",
        { "data-field": name },
        label,
        element(
          "select",
          { name },
          ...choices.map(([value, text]) => element("option", { value }, text)),
        ),
      );
    const submit = element("button", { type: "submit", class: "primary" }, "Keep it quiet");
    const form = element(
      "form",
      { class: "new-quiet", id: "new-quiet" },
      pick("kind", "Kind", Object.entries(KINDS)),
      field("reason", "Reason", { required: true, maxlength: 500 }),
      field("starts_at", "Starts", { type: "datetime-local" }),
      field("ends_at", "Ends", { type: "datetime-local" }),
      field("duration_minutes", "Lasts, in minutes", { type: "number", min: 1, max: 44640 }),
      field("rrule", "Rule (RFC 5545)", { placeholder: "FREQ=WEEKLY;BYDAY=SA,SU" }),
      pick("types", "Type", [["", "All types"], ...Object.entries(TYPE_TITLES)]),
      pick("severities", "Severity", [
        ["", "All severities"],
        ...SEVERITIES.map((severity) => [severity, severity]),
      ]),
      field("sites", "Sites, by id", { placeholder: "all" }),
      field("people", "People, by id", { placeholder: "all" }),
      submit,
    );
    const adapt = () => {
      form.dataset.kind = form.elements.kind.value;
    };
    form.elements.kind.addEventListener("change", adapt);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true; // a second submit would make a second one
      await this.#do(async () => {
        await rest("quiet", { method: "POST", body: requestBody(form.elements) });
        form.reset();
        adapt();
      });
      submit.disabled = false;
    });
    adapt();
    return form;
  }

  async #do(act) {
    setText(this.#problem, "");
    try {
      await act();
    } catch (error) {
      setText(this.#problem, notDone(error));
    }
    await this.#loadList();
  }
}

function requestBody(fields) {
  const kind = fields.kind.value;
  const chosen = (value) => (value ? [value] : []);
  const common = {
    kind,
    reason: fields.reason.value,
    types: chosen(fields.types.value),
    severities: chosen(fields.severities.value),
    sites: idsOf(fields.sites.value),
    people: idsOf(fields.people.value),
  };
  if (kind === "recurring") {
    return {
      ...common,
      starts_at: fields.starts_at.value,
      duration_minutes: Number(fields.duration_minutes.value),
      rrule: fields.rrule.value,
    };
  }
  const times = { ends_at: instant(fields.ends_at.value) };
  return {
    ...common,
    ...times,
    ...(kind === "maintenance" ? { starts_at: instant(fields.starts_at.value) } : {}),
  };
}

/** Return the ids that were typed. Throws a Refusal where one is none. */
function idsOf(text) {
  const ids = parseIds(text);
  if (ids === null) {
    const message = 'Write ids as numbers, or strings such as "harbour" in double quotes';
    throw new Refusal({ code: "invalid", message });
  }
  return ids;
}

/** Convert a local time to ISO 8601 in UTC. Throws a Refusal if it is none. */
function instant(text) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) {
    throw new Refusal({ code: "invalid", message: "Say when it begins and ends" });
  }
  return at.toISOString();
}

function when({ kind, starts_at: starts, ends_at: ends, duration_minutes: minutes, rrule }) {
  if (kind === "recurring") {
    return `${rrule}, from ${starts.replace("T", " ")} at the site, ${minutes} min each`;
  }
  return kind === "silence" ? `Until ${inFull(ends)}` : `${inFull(starts)} to ${inFull(ends)}`;
}

function scope({ types, severities, sites, people }) {
  const parts = [
    types.map((type) => TYPE_TITLES[type]),
    severities,
    sites.map((id) => `site ${shownId(id)}`),
    people.map((id) => `person ${shownId(id)}`),
  ];
  const limits = parts.filter((part) => part.length).map((part) => part.join(" or "));
  return limits.join(", ") || "everything";
}
