// Shows the state of the connection in words: a lamp in the header, and a banner where the user has
// to know or do something.

import { byId, setText } from "/dashboard/element.js";
import { clock, span } from "/dashboard/times.js";

const REFUSED = {
  token_missing: "no token was given",
  token_invalid: "the token is not valid here",
  forbidden: "the token does not allow it",
};
const BANNER_MS = 20_000;

let settling;
let telling;

/** Show a state of Connection. A recovery is shown for BANNER_MS, then the page says Live. */
export function showState(state) {
  clearTimeout(settling);
  clearTimeout(telling);
  byId("state").dataset.state = state.name;
  setText(byId("state-text"), lamp(state));
  showBanner(banner(state));
  if (state.name !== "recovered") return;
  settling = setTimeout(() => showState({ name: "live" }), BANNER_MS);
}

/** Show a text for BANNER_MS, over a connection that is live. */
export function tell(text) {
  clearTimeout(telling);
  showBanner(text);
  telling = setTimeout(() => showBanner(""), BANNER_MS);
}

function showBanner(text) {
  byId("banner").hidden = text === "";
  setText(byId("banner"), text);
}

function lamp(state) {
  switch (state.name) {
    case "live":
      return "Live";
    case "recovered":
      return `Recovered after ${span(state.away)}, ${missed(state)}`;
    case "reconnecting":
      return "Reconnecting";
    case "expired":
      return "Token expired";
    case "refused":
      return `Refused: ${REFUSED[state.code] ?? state.message}`;
    default:
      return "Connecting";
  }
}

function banner(state) {
  if (state.name !== "reconnecting") return "";
  const why =
    state.reason === "unavailable"
      ? "The server is not available for now"
      : "The connection was lost";
  const tries = state.attempt > 1 ? ` Attempt ${state.attempt}.` : "";
  return (
    `${why} (since ${clock(state.since)}). What is shown may be out of date; ` +
    `connecting again by itself, and nothing will be missed.${tries}`
  );
}

function missed({ missed: count }) {
  return `${count} missed ${count === 1 ? "message" : "messages"} replayed`;
}
