// What was heard, as entries: one per anomaly, with its latest version; one per other message. Knows nothing of the page.

const KEPT = 5000;

export class Feed {
  /** `entries` ascend by place, the position of the earliest version heard. */
  entries = [];
  /** History is loaded from before this position on. */
  oldest = Infinity;
  #byKey = new Map();

  /**
   * Takes a message of any position, in any order, any number of times.
   * Returns {entry, prior}: prior is the payload it replaced, null for a new entry. Null where it says nothing new.
   */
  add(payload) {
    this.oldest = Math.min(this.oldest, payload.position);
    const key = payload.anomaly_id ?? `${payload.type} ${payload.position}`;
    const entry = this.#byKey.get(key);
    if (entry === undefined) return this.#insert({ key, place: payload.position, version: payload.position, payload });
    if (payload.position < entry.place) this.#move(entry, payload.position);
    if (payload.position <= entry.version) return null;
    const prior = entry.payload;
    Object.assign(entry, { payload, version: payload.position });
    return { entry, prior };
  }

  clear() {
    this.entries = [];
    this.oldest = Infinity;
    this.#byKey.clear();
  }

  get(key) {
    return this.#byKey.get(key);
  }

  get isFull() {
    return this.entries.length >= KEPT;
  }

  /** The up to `count` entries at or before `top` (null: the newest), newest first. */
  page(top, count) {
    const end = top === null ? this.entries.length : this.#indexAfter(top);
    return this.entries.slice(Math.max(0, end - count), end).reverse();
  }

  countAfter(place) {
    return this.entries.length - this.#indexAfter(place);
  }

  #insert(entry) {
    this.entries.splice(this.#indexAfter(entry.place), 0, entry);
    this.#byKey.set(entry.key, entry);
    if (this.entries.length > KEPT) this.#forgetOldest();
    return { entry, prior: null };
  }

  #forgetOldest() {
    this.#byKey.delete(this.entries.shift().key);
    this.oldest = this.entries[0].place;
  }

  #move(entry, place) {
    this.entries.splice(this.entries.indexOf(entry), 1);
    entry.place = place;
    this.entries.splice(this.#indexAfter(place), 0, entry);
  }

  #indexAfter(place) {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle].place <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
