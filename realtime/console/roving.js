// A list of buttons that is one stop of the Tab key; in it the arrow keys, Page Up and Down, Home and End move.

const PAGE = 10;

export class Roving {
  #list;

  constructor(list) {
    this.#list = list;
    list.addEventListener("keydown", (event) => this.#move(event));
    list.addEventListener("focusin", (event) => event.target !== list && this.#stopAt(event.target));
  }

  /** After rows came or went: one of them can be reached. */
  ensure() {
    if (!this.#list.querySelector('button[tabindex="0"]')) this.#list.querySelector("button")?.setAttribute("tabindex", "0");
  }

  #move(event) {
    const buttons = [...this.#list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1, PageDown: at + PAGE, PageUp: at - PAGE }[event.key];
    if (to === undefined || buttons.length === 0) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, to))].focus();
  }

  #stopAt(button) {
    this.#list.querySelector('button[tabindex="0"]')?.setAttribute("tabindex", "-1");
    button.setAttribute("tabindex", "0");
  }
}
