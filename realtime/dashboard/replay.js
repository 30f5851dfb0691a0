// Counting what was missed: after a recovered connection the server sends it first, up to the head it then names.

export class Replay {
  #positions = [];
  #counting = false;
  #end = Infinity;

  begin() {
    this.#positions = [];
    this.#counting = true;
    this.#end = Infinity;
  }

  /** True where the message counts as one that was missed. */
  heard(position) {
    if (!this.#counting || position > this.#end) return false;
    this.#positions.push(position);
    return true;
  }

  /** `head` was the feed's head when the connection stood again: what comes after it was not missed. */
  endsAt(head) {
    this.#end = head;
    this.#positions = this.#positions.filter((position) => position <= head);
  }

  get missed() {
    return this.#positions.length;
  }
}
