// What must not be missed: HIGH and CRITICAL as they arrive. A notice stays until it is dismissed, a HIGH one for a while.

import { byId, element, setText } from "/dashboard/element.js";
import { play } from "/dashboard/sound.js";
import { isStanding, isAnomaly, labelOf, personOf, rank, siteOf, summaryOf } from "/dashboard/vocabulary.js";

const SHOWN = 3;
const KEPT = 999;
const HIGH_SECONDS = 20;
const SPEECH_MS = 2_000;
const TITLE = document.title;

export class Notices {
  #waiting = new Map();
  #unsaid = [];
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
    this.#more = element("p", { class: "notice more" }, this.#count, this.#button("Dismiss all", () => this.clear()));
    this.#box.append(this.#more);
    setInterval(() => this.#age(), 1_000);
    setInterval(() => this.#speak(), SPEECH_MS);
  }

  add(entry) {
    this.#waiting.delete(entry.key);
    this.#waiting.set(entry.key, { entry, seconds: HIGH_SECONDS });
    if (this.#waiting.size > KEPT) this.#waiting.delete(this.#waiting.keys().next().value);
    this.#unsaid.push(entry);
    if (this.#unsaid.length === 1) queueMicrotask(() => this.#speak());
  }

  /** Of what no longer stands nobody needs to be told. */
  drop(key) {
    this.#waiting.delete(key);
  }

  clear() {
    this.#waiting.clear();
    this.#unsaid = [];
  }

  draw() {
    const notices = [...this.#waiting.values()].sort((one, other) => this.#urgency(other) - this.#urgency(one) || other.entry.version - one.entry.version);
    document.title = notices.length ? `(${notices.length}) ${TITLE}` : TITLE;
    const shown = this.#choose(notices);
    for (const node of [...this.#nodes.keys()]) if (!shown.includes(node)) this.#remove(node);
    for (const notice of shown) this.#more.before(this.#node(notice));
    this.#more.hidden = notices.length < 2;
    setText(this.#count, `${notices.length} notices`);
  }

  // Of equals the one on the page stays: in a burst a notice must stand long enough to be read.
  #urgency(notice) {
    return 2 * rank(notice.entry.payload.severity) + (this.#nodes.has(notice) ? 1 : 0);
  }

  // The gravest; but what is under somebody's pointer or focus stays where it is.
  #choose(notices) {
    if (!this.#inUse) return notices.slice(0, SHOWN);
    const there = [...this.#nodes.keys()].filter((notice) => notices.includes(notice));
    return [...there, ...notices.filter((notice) => !there.includes(notice))].slice(0, SHOWN);
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
    // A name may turn the direction of writing; it must not turn what stands beside it.
    const [who, where] = [element("bdi", {}, personOf(payload)), element("bdi", {}, siteOf(payload))];
    return element(
      "article",
      { class: "notice", "data-severity": payload.severity },
      element("p", { class: "notice-head" }, element("span", { class: "chip", "data-severity": payload.severity }, payload.severity), element("strong", {}, labelOf(payload))),
      element("p", { class: "notice-where" }, who, who.textContent && where.textContent ? " · " : "", where),
      element("p", { class: "notice-why" }, summaryOf(payload)),
      element("p", { class: "notice-actions" }, this.#button("Show details", () => this.#show(key)), this.#button("Dismiss", () => this.drop(key))),
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

  // At most once in SPEECH_MS, so that a burst does not talk a screen reader's user down.
  #speak() {
    if (this.#unsaid.length === 0) return;
    const said = this.#unsaid.splice(0);
    const gravest = said.reduce((one, other) => (rank(other.payload.severity) > rank(one.payload.severity) ? other : one)).payload;
    const rest = said.length > 1 ? ` And ${said.length - 1} more.` : "";
    setText(byId("announcer"), `${gravest.severity}: ${labelOf(gravest)}. ${summaryOf(gravest)}${rest}`);
    play(gravest.severity);
  }
}

/** Whether a version that came live is news that interrupts: grave, and not known as grave before. */
export function isNews(payload, prior) {
  const counts = (version) => rank(version.severity) >= rank("HIGH") && (!isAnomaly(version) || isStanding(version));
  return counts(payload) && (prior === null || !counts(prior) || rank(payload.severity) > rank(prior.severity));
}
