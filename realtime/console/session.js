// Who is signed in: the token, kept for this tab only, and what it says of itself.

const KEY = "rollcall.token";

/** Moves a token from the address bar (`#token=...`) to the tab's storage. True where there was one. */
export function takeFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return false;
  sessionStorage.setItem(KEY, token);
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}

export function token() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function keep(newToken) {
  sessionStorage.setItem(KEY, newToken);
}

export function forget() {
  sessionStorage.clear();
}

/** The claims of a token, unverified: for display. Only the server decides. Null where it is no token. */
export function claimsOf(text) {
  try {
    const part = text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return claims !== null && typeof claims === "object" ? claims : null;
  } catch {
    return null;
  }
}

/** Another person or tenant: what is on the page is not theirs. */
export function isSomebodyElse(claims, other) {
  return claims?.sub !== other?.sub || claims?.tenant_id !== other?.tenant_id;
}

/** Begins anew as whoever the token names. */
export function restart(newToken) {
  forget();
  keep(newToken);
  location.reload();
}
