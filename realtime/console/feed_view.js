// The feed on the page: at most MOST_ROWS rows, the newest or those that the reader scrolled to.

import { byId, setText } from "/dashboard/element.js";
import { Roving } from "/dashboard/roving.js";
import { Row } from "/dashboard/row.js";

const MOST_ROWS = 500;
const ROWS_A_STEP = 250;
const NEAR_TOP_PX = 24;

export class FeedView {
  #feed;
  #list = byId("feed");
  #scroller = byId("scroller");
  #toLive = byId("to-live");
  #roving = new Roving(this.#list);
  #rows = new Map();
  #top = null;
  #held = false;
  #selected = null;
  #ask;

  /** `open(key)` shows the message that was chosen; `redraw()` asks for `draw` to be called. */
  constructor(feed, { open, redraw }) {
    this.#feed = feed;
    this.#ask = redraw;
    this.#list.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) open(row.dataset.key);
    });
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#toLive.addEventListener("click", () => this.toLive());
  }

  draw() {
    const entries = this.#feed.page(this.#top, MOST_ROWS);
    const today = new Date().toDateString();
    const kept = new Set(entries.map((entry) => entry.key));
    for (const [key, row] of this.#rows) if (!kept.has(key)) this.#remove(key, row);
    let next = this.#list.firstElementChild;
    for (const entry of entries) {
      const row = this.#row(entry, today);
      if (row.node === next) next = next.nextElementSibling;
      else this.#list.insertBefore(row.node, next);
    }
    this.#roving.ensure();
    this.#drawToLive();
  }

  select(key) {
    this.#rows.get(this.#selected)?.select(false);
    this.#selected = key;
    this.#rows.get(key)?.select(true);
  }

  reveal(key) {
    this.#rows.get(key)?.node.scrollIntoView({ block: "nearest" });
  }

  focus(key) {
    (this.#rows.get(key)?.button ?? this.#list).focus();
  }

  /** Show the newest rows, and follow those that arrive. */
  toLive() {
    this.#top = null;
    this.#held = false;
    this.#scroller.scrollTop = 0;
    this.#ask();
  }

  /** Make room for older rows below by removing as many rows above. */
  showOlder() {
    const shown = this.#feed.page(this.#top, MOST_ROWS);
    if (shown.length < MOST_ROWS) return;
    this.#held = true;
    this.#top = shown[ROWS_A_STEP].place;
    this.#ask();
  }

  #row(entry, today) {
    const known = this.#rows.get(entry.key);
    if (known) {
      known.draw(entry, today);
      return known;
    }
    const row = new Row(entry, today);
    row.select(entry.key === this.#selected);
    this.#rows.set(entry.key, row);
    return row;
  }

  #remove(key, row) {
    row.node.remove();
    this.#rows.delete(key);
  }

  // While the reader is further down, arriving rows do not move what is read: the rows shown stay,
  // and a button counts the newer ones.
  #scrolled() {
    const atTop = this.#scroller.scrollTop <= NEAR_TOP_PX;
    if (!this.#held && !atTop) {
      this.#held = true;
      this.#top = this.#feed.entries.at(-1)?.place ?? null;
      this.#ask();
    } else if (this.#held && atTop && this.#newer() < MOST_ROWS) this.toLive();
  }

  #newer() {
    return this.#top === null ? 0 : this.#feed.countAfter(this.#top);
  }

  #drawToLive() {
    this.#toLive.hidden = !this.#held;
    const newer = this.#newer();
    setText(this.#toLive, newer ? `${newer} newer, back to live` : "Back to live");
  }
}
