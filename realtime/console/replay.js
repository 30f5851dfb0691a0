// Counting what was missed: after a recovered connection the server sends it first, up to the head it then names.

/** Begins with the loss of the connection. */
export class Replay {
  #positions = [];
  #end = Infinity;

  /** True where the message counts as one that was missed. */
  heard(position) {
    if (position > this.#end) return false;
    this.#positions.push(position);
    return true;
  }

  /** `head` was the feed's head when the connection stood again: what comes after it was not missed. */
  endsAt(head) {
    this.#end = head;
    this.#positions = this.#positions.filter((position) => position <= head);
  }

  /** Nobody knows that head: what was heard by now counts. */
  end() {
    this.#end = 0;
  }

  get missed() {
    return this.#positions.length;
  }
}
