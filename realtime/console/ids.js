// Ids of sites and people: an integer is a number, and a string a string, so 15 and "15" are two.

/**
 * Return the id as queries have it, and as people type it: a string stands in double quotes and
 * percent-encoded, so that nothing in it parts it from what stands beside it.
 */
export function spelled(id) {
  if (typeof id !== "string") return String(id);
  const hex = (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`;
  return `"${encodeURIComponent(id).replace(/[!'()*_]/g, hex)}"`;
}

/** Return the id that is spelled so, or null where it is none. Only `%` has to be encoded. */
export function parseId(text) {
  if (/^[0-9]{1,16}$/.test(text)) {
    const number = Number(text);
    return number >= 1 && Number.isSafeInteger(number) ? number : null;
  }
  if (!/^".+"$/s.test(text)) return null;
  try {
    return decodeURIComponent(text.slice(1, -1));
  } catch {
    return null;
  }
}

/** Return the ids in a text, with commas or blanks between; null where one is none. */
export function parseIds(text) {
  const ids = (text.match(/"[^"]*"|[^\s,]+/g) ?? []).map(parseId);
  return ids.includes(null) ? null : ids;
}

/** Return the id as people read it. */
export function shownId(id) {
  if (typeof id === "object") return ""; // of a message of another application
  return typeof id === "string" ? `"${id}"` : String(id);
}
