// The messages of the feed as entries: one an anomaly, with its latest version, and one for every
// other message. Knows nothing of the page.

const MOST_ENTRIES = 5000;

export class Feed {
  /** Entries, ascending by `place`: the position of the earliest version heard. */
  entries = [];
  /** The oldest position loaded. Older messages are asked for before it. */
  oldest = Infinity;
  #byKey = new Map();

  /**
   * Take a message of any position, in any order, any number of times.
   * Returns {entry, prior}, where `prior` is the payload that it replaced, or null for a new
   * entry. Returns null if the message is not newer than what is known.
   */
  add(payload) {
    this.oldest = Math.min(this.oldest, payload.position);
    const key = payload.anomaly_id ?? `${payload.type} ${payload.position}`;
    const entry = this.#byKey.get(key);
    if (entry === undefined)
      return this.#insert({ key, place: payload.position, version: payload.position, payload });
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
    return this.entries.length >= MOST_ENTRIES;
  }

  /** Return up to `count` entries, newest first, from `top` downwards (null: from the newest). */
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
    if (this.entries.length > MOST_ENTRIES) this.#forgetOldest();
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
