// The feed on the page: at most SHOWN rows of it, the newest, or those from where the reader scrolled to.

import { byId, setText } from "/dashboard/element.js";
import { Roving } from "/dashboard/roving.js";
import { Row } from "/dashboard/row.js";

const SHOWN = 500;
const STEP = 250;
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

  /** `open(key)` is called for the message a reader chooses, `redraw()` where the window moved. */
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
    const entries = this.#feed.page(this.#top, SHOWN);
    const today = new Date().toDateString();
    const kept = new Set(entries.map((entry) => entry.key));
    for (const [key, row] of this.#rows) if (!kept.has(key)) this.#remove(key, row);
    let here = this.#list.firstElementChild;
    for (const entry of entries) {
      const row = this.#row(entry, today);
      if (row.node === here) here = here.nextElementSibling;
      else this.#list.insertBefore(row.node, here);
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

  /** Shows the newest again and goes on with them. */
  toLive() {
    this.#top = null;
    this.#held = false;
    this.#scroller.scrollTop = 0;
    this.#ask();
  }

  /** Makes room below for older rows, letting go of as many above. */
  showOlder() {
    const shown = this.#feed.page(this.#top, SHOWN);
    if (shown.length < SHOWN) return;
    this.#held = true;
    this.#top = shown[STEP].place;
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

  // Whoever reads further down is not pushed about by what arrives: the window stays, and a button counts what is newer.
  #scrolled() {
    const atTop = this.#scroller.scrollTop <= NEAR_TOP_PX;
    if (!this.#held && !atTop) {
      this.#held = true;
      this.#top = this.#feed.entries.at(-1)?.place ?? null;
      this.#ask();
    } else if (this.#held && atTop && this.#newer() < SHOWN) this.toLive();
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
