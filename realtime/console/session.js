// Who is signed in: the token, kept for this tab only, and its claims.

const KEY = "rollcall.token";

/** Move a token from the address (`#token=...`) to the tab's storage. Returns if there was one. */
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

/** Return a token's claims, unverified and for display only, or null if it is no token. */
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

/** Say whether the claims are of two users or tenants: then the page must not be kept. */
export function isSomebodyElse(claims, other) {
  return claims?.sub !== other?.sub || claims?.tenant_id !== other?.tenant_id;
}

/** Begin anew as the user whom the token names. */
export function restart(newToken) {
  forget();
  keep(newToken);
  location.reload();
}
