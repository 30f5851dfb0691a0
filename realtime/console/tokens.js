// Asks for a token: to sign in, and for a new one before the old one ends or once it has ended.

import { byId, setText } from "/dashboard/element.js";
import { clock, span } from "/dashboard/times.js";
import { claimsOf } from "/dashboard/session.js";

const WARN_MS = 120_000;
const LONGEST_TIMER_MS = 2_000_000_000;

let timer;

/** Call `use(token, claims)` with the token that was pasted, and show beside it what it throws. */
export function onToken(form, use) {
  const field = form.elements.token;
  const problem = form.querySelector(".problem");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const token = field.value.trim();
    const claims = claimsOf(token);
    try {
      if (claims === null) {
        throw new Error("This is no token: it has three parts with dots between them");
      }
      await use(token, claims);
      form.reset();
      setText(problem, "");
    } catch (error) {
      setText(problem, `${error.message}.`);
      field.focus();
    }
  });
}

/** Ask for a new token shortly before `exp` (seconds since 1970), and count down to it. */
export function watchExpiry(exp) {
  clearTimeout(timer);
  byId("renew").hidden = true;
  if (typeof exp !== "number") return;
  const left = exp * 1000 - Date.now();
  const quiet = left - Math.min(WARN_MS, Math.max(0, left / 4));
  timer = setTimeout(
    () => (quiet > LONGEST_TIMER_MS ? watchExpiry(exp) : warn(exp)),
    Math.min(quiet, LONGEST_TIMER_MS),
  );
}

export function askAfterExpiry() {
  clearTimeout(timer);
  ask(
    `Your token ended at ${clock(Date.now())}. ` +
      "Paste a new one to go on where the feed stopped; nothing will be missed.",
  );
}

export function askAfterRefusal() {
  clearTimeout(timer);
  ask("The server refused this token. Paste another one.");
}

function warn(exp) {
  const left = exp * 1000 - Date.now();
  if (left <= 0) return;
  ask(
    `Your token ends at ${clock(exp * 1000)}, in ${span(left)}. Paste a new one to stay connected.`,
  );
  timer = setTimeout(() => warn(exp), left > 15_000 ? 10_000 : 1_000);
}

function ask(text) {
  byId("renew").hidden = false;
  setText(byId("renew-text"), text);
}
