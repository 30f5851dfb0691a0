// The page's entry: opens the desk if there is a token, and asks for one if not.

import { openDesk } from "/dashboard/desk.js";
import { byId } from "/dashboard/element.js";
import { forgetFilter } from "/dashboard/filters.js";
import * as session from "/dashboard/session.js";
import { onToken } from "/dashboard/tokens.js";

function askForToken() {
  byId("sign-in-page").hidden = false;
  byId("state").hidden = true;
  onToken(byId("sign-in"), session.restart);
  byId("sign-in-token").focus();
}

function offerSignOut() {
  byId("sign-out").hidden = false;
  byId("sign-out").addEventListener("click", () => {
    session.forget();
    location.reload();
  });
}

if (session.takeFromAddress()) forgetFilter();
addEventListener("hashchange", () => session.takeFromAddress() && location.reload());
if (session.token()) {
  offerSignOut();
  openDesk();
} else {
  askForToken();
}
