// Counts the messages missed: after a recovered connection the server sends them first, up to the
// head that it then names.

/** One replay; it begins when the connection is lost. */
export class Replay {
  #positions = [];
  #end = Infinity;

  /** Take a message's position. Returns whether it counts as missed. */
  heard(position) {
    if (position > this.#end) return false;
    this.#positions.push(position);
    return true;
  }

  /** Set the feed's head at the moment of reconnection: messages after it were not missed. */
  endsAt(head) {
    this.#end = head;
    this.#positions = this.#positions.filter((position) => position <= head);
  }

  /** End without knowing that head: what was heard so far counts. */
  end() {
    this.#end = 0;
  }

  get missed() {
    return this.#positions.length;
  }
}
