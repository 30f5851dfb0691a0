// Makes a list of buttons one stop of the Tab key. Within it the arrow keys, Page Up, Page Down,
// Home and End move the focus.

const BUTTONS_A_PAGE = 10;

export class Roving {
  #list;

  constructor(list) {
    this.#list = list;
    list.addEventListener("keydown", (event) => this.#move(event));
    list.addEventListener(
      "focusin",
      (event) => event.target !== list && this.#stopAt(event.target),
    );
  }

  /** Make sure that Tab reaches a button, after rows were added or removed. */
  ensure() {
    if (this.#list.querySelector('button[tabindex="0"]')) return;
    this.#list.querySelector("button")?.setAttribute("tabindex", "0");
  }

  #move(event) {
    const buttons = [...this.#list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: buttons.length - 1,
      PageDown: at + BUTTONS_A_PAGE,
      PageUp: at - BUTTONS_A_PAGE,
    }[event.key];
    if (to === undefined || buttons.length === 0) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, to))].focus();
  }

  #stopAt(button) {
    this.#list.querySelector('button[tabindex="0"]')?.setAttribute("tabindex", "-1");
    button.setAttribute("tabindex", "0");
  }
}
