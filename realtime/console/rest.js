// Requests to the REST API, as the user who is signed in.

import * as session from "/dashboard/session.js";
import { Refusal } from "/dashboard/connection.js";

const ANSWER_MS = 20_000;

/**
 * Return the answer's object. Rejects with Refusal if the server refused, and with Error if it
 * could not be reached or did not answer within ANSWER_MS.
 */
export async function rest(path, { method = "GET", body } = {}) {
  const headers = {
    Authorization: `Bearer ${session.token()}`,
    Accept: "application/json",
    "Content-Type": "application/json",
  };
  const response = await fetch(`/api/v1/${path}`, {
    method,
    headers,
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const answer = await read(response);
  if (response.ok && answer !== null) return answer;
  throw new Refusal(answer?.error ?? unreadable(response.status));
}

// Returns null if the answer is no JSON, as that of a proxy may be.
async function read(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreadable(status) {
  return {
    code: status >= 500 ? "unavailable" : "invalid",
    message: `The answer (${status}) cannot be read.`,
  };
}

/** Return the items of a list, loaded page by page until there are `most`. */
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
