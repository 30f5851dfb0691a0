// Asking the REST API, as whoever is signed in.

import * as session from "/dashboard/session.js";
import { Refusal } from "/dashboard/connection.js";

const ANSWER_MS = 20_000;

/** The answer's object. Rejects with Refusal where the server said no, or Error where it could not be reached or did not answer. */
export async function rest(path, { method = "GET", body } = {}) {
  const headers = { Authorization: `Bearer ${session.token()}`, Accept: "application/json", "Content-Type": "application/json" };
  const response = await fetch(`/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_MS) });
  const answer = await read(response);
  if (!response.ok || answer === null) throw new Refusal(answer?.error ?? unreadable(response.status));
  return answer;
}

// What stands between may answer in its own words.
async function read(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreadable(status) {
  return { code: status >= 500 ? "unavailable" : "invalid", message: `The answer (${status}) cannot be read.` };
}

/** Every item of a list, page by page, up to `most`. */
export async function restList(path, most) {
  const items = [];
  let cursor = "";
  while (cursor !== null && items.length < most) {
    const page = await rest(`${path}${path.includes("?") ? "&" : "?"}limit=500&cursor=${cursor}`);
    items.push(...page.items);
    cursor = page.next;
  }
  return items;
}
