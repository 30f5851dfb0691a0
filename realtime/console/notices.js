// Notices of what must not be missed: HIGH and CRITICAL messages, as they arrive. A CRITICAL one
// stays until it is dismissed, a HIGH one for HIGH_SECONDS.

import { byId, element, setText } from "/dashboard/element.js";
import { play } from "/dashboard/sound.js";
import {
  isStanding,
  isAnomaly,
  labelOf,
  personOf,
  rank,
  siteOf,
  summaryOf,
} from "/dashboard/vocabulary.js";

const MOST_SHOWN = 3;
const MOST_WAITING = 999;
const HIGH_SECONDS = 20;
const SPEECH_MS = 2_000;
const TITLE = document.title;

export class Notices {
  #waiting = new Map();
  #unspoken = [];
  #box = byId("notices");
  #nodes = new Map();
  #count = element("span");
  #more;
  #open;
  #redraw;

  /** `open(key)` shows a message; `redraw()` asks for `draw` to be called. */
  constructor({ open, redraw }) {
    this.#open = open;
    this.#redraw = redraw;
    this.#more = element(
      "p",
      { class: "notice more" },
      this.#count,
      this.#button("Dismiss all", () => this.clear()),
    );
    this.#box.append(this.#more);
    setInterval(() => this.#age(), 1_000);
    setInterval(() => this.#speak(), SPEECH_MS);
  }

  add(entry) {
    this.#waiting.delete(entry.key);
    this.#waiting.set(entry.key, { entry, seconds: HIGH_SECONDS });
    if (this.#waiting.size > MOST_WAITING) this.#waiting.delete(this.#waiting.keys().next().value);
    this.#unspoken.push(entry);
    if (this.#unspoken.length === 1) queueMicrotask(() => this.#speak());
  }

  /** Drop the notice of a message that no longer stands. */
  drop(key) {
    this.#waiting.delete(key);
  }

  clear() {
    this.#waiting.clear();
    this.#unspoken = [];
  }

  draw() {
    const notices = [...this.#waiting.values()].sort(
      (one, other) =>
        this.#urgency(other) - this.#urgency(one) || other.entry.version - one.entry.version,
    );
    document.title = notices.length ? `(${notices.length}) ${TITLE}` : TITLE;
    const shown = this.#choose(notices);
    for (const node of [...this.#nodes.keys()]) if (!shown.includes(node)) this.#remove(node);
    for (const notice of shown) this.#more.before(this.#node(notice));
    this.#more.hidden = notices.length < 2;
    setText(this.#count, `${notices.length} notices`);
  }

  // Among equals, one that is on the page stays: in a burst it must stay long enough to be read.
  #urgency(notice) {
    return 2 * rank(notice.entry.payload.severity) + (this.#nodes.has(notice) ? 1 : 0);
  }

  // Chooses the gravest. While the user points at a notice or has focus in one, those shown stay.
  #choose(notices) {
    if (!this.#inUse) return notices.slice(0, MOST_SHOWN);
    const there = [...this.#nodes.keys()].filter((notice) => notices.includes(notice));
    return [...there, ...notices.filter((notice) => !there.includes(notice))].slice(0, MOST_SHOWN);
  }

  get #inUse() {
    return this.#box.matches(":hover, :focus-within");
  }

  #node(notice) {
    if (!this.#nodes.has(notice)) this.#nodes.set(notice, this.#article(notice.entry));
    return this.#nodes.get(notice);
  }

  #remove(notice) {
    const node = this.#nodes.get(notice);
    const hadFocus = node.contains(document.activeElement);
    node.remove();
    this.#nodes.delete(notice);
    if (hadFocus) (this.#box.querySelector("article button") ?? byId("feed")).focus();
  }

  #article({ key, payload }) {
    // A name may change the direction of writing; <bdi> keeps that to the name itself.
    const [who, where] = [
      element("bdi", {}, personOf(payload)),
      element("bdi", {}, siteOf(payload)),
    ];
    return element(
      "article",
      { class: "notice", "data-severity": payload.severity },
      element(
        "p",
        { class: "notice-head" },
        element("span", { class: "chip", "data-severity": payload.severity }, payload.severity),
        element("strong", {}, labelOf(payload)),
      ),
      element(
        "p",
        { class: "notice-where" },
        who,
        who.textContent && where.textContent ? " · " : "",
        where,
      ),
      element("p", { class: "notice-why" }, summaryOf(payload)),
      element(
        "p",
        { class: "notice-actions" },
        this.#button("Show details", () => this.#show(key)),
        this.#button("Dismiss", () => this.drop(key)),
      ),
    );
  }

  #show(key) {
    this.drop(key);
    this.#open(key);
  }

  #button(text, act) {
    const button = element("button", { type: "button" }, text);
    button.addEventListener("click", () => {
      act();
      this.#redraw();
    });
    return button;
  }

  #age() {
    if (document.hidden || this.#inUse) return;
    for (const [key, notice] of this.#waiting) {
      if (notice.entry.payload.severity !== "CRITICAL" && --notice.seconds <= 0) {
        this.#waiting.delete(key);
        this.#redraw();
      }
    }
  }

  // Announces at most once in SPEECH_MS, so that a burst does not flood a screen reader.
  #speak() {
    if (this.#unspoken.length === 0) return;
    const said = this.#unspoken.splice(0);
    const gravest = said.reduce((one, other) =>
      rank(other.payload.severity) > rank(one.payload.severity) ? other : one,
    ).payload;
    const rest = said.length > 1 ? ` And ${said.length - 1} more.` : "";
    setText(
      byId("announcer"),
      `${gravest.severity}: ${labelOf(gravest)}. ${summaryOf(gravest)}${rest}`,
    );
    play(gravest.severity);
  }
}

/** Say whether a live message needs a notice: it is grave, and graver than what was known. */
export function isNews(payload, prior) {
  const counts = (version) =>
    rank(version.severity) >= rank("HIGH") && (!isAnomaly(version) || isStanding(version));
  return (
    counts(payload) &&
    (prior === null || !counts(prior) || rank(payload.severity) > rank(prior.severity))
  );
}
