// Asking the REST API, as whoever is signed in.

import * as session from "/dashboard/session.js";
import { Refusal } from "/dashboard/connection.js";

/** The answer's object. Rejects with Refusal where the server said no, or Error where it could not be reached. */
export async function rest(path, { method = "GET", body } = {}) {
  const headers = { Authorization: `Bearer ${session.token()}`, Accept: "application/json", "Content-Type": "application/json" };
  const response = await fetch(`/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Refusal(answer.error);
  return answer;
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
