// The review of an anomaly: buttons for a verdict, and the verdicts given before.

import { notDone } from "/dashboard/connection.js";
import { element, setText } from "/dashboard/element.js";
import { rest } from "/dashboard/rest.js";
import { clock, inFull } from "/dashboard/times.js";
import { statusLabel } from "/dashboard/vocabulary.js";
import { VERDICTS } from "/dashboard/words.js";

/** Make a button for every verdict. `review(data)` sends it; a refusal is shown beside them. */
export function reviewButtons(payload, review) {
  const problem = element("p", { class: "problem", role: "alert" });
  const buttons = VERDICTS.map((verdict) => {
    const button = element(
      "button",
      {
        type: "button",
        id: `review-${verdict}`,
        "aria-pressed": String(payload.status === verdict),
      },
      statusLabel(verdict),
    );
    button.addEventListener("click", async () => {
      setText(problem, "");
      try {
        await review({ anomaly_id: payload.anomaly_id, verdict });
      } catch (error) {
        setText(problem, notDone(error));
      }
    });
    return button;
  });
  return element(
    "div",
    { class: "review", role: "group", "aria-label": "Review" },
    ...buttons,
    problem,
  );
}

/** Make the list of reviews, latest first. It is empty until they are loaded. */
export function reviewTrail({ anomaly_id: id }) {
  const trail = element("ol", { class: "trail", "aria-label": "Reviews" });
  rest(`anomalies/${encodeURIComponent(id)}`)
    .then(({ reviews }) => trail.replaceChildren(...reviews.reverse().map(line)))
    .catch((error) =>
      trail.replaceChildren(
        element("li", { class: "problem" }, `The reviews could not be loaded: ${error.message}.`),
      ),
    );
  return trail;
}

function line({ at, actor, verdict, note }) {
  const said = element(
    "span",
    {},
    element("strong", {}, statusLabel(verdict)),
    ` by ${actor}`,
    note ? element("span", { class: "trail-note" }, note) : null,
  );
  return element("li", {}, element("time", { datetime: at, title: inFull(at) }, clock(at)), said);
}
