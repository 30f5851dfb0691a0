// However many messages arrive, the page is drawn once a frame; and not beneath a finger.

const HIDDEN_MS = 250;
const CLICK_MS = 50; // the click comes after the release
const LONGEST_PRESS_MS = 1_000;

let pressed = null;
const waiting = [];

/** A function that asks for `draw` to be called soon, once. A hidden tab has no frames, so there a timer does it. */
export function oncePerFrame(draw) {
  let asked = false;
  const run = () =>
    whenReleased(() => {
      if (!asked) return;
      asked = false;
      draw();
    });
  document.addEventListener("visibilitychange", run);
  return () => {
    if (asked) return;
    asked = true;
    if (document.hidden) setTimeout(run, HIDDEN_MS);
    else requestAnimationFrame(run);
  };
}

/**
 * Calls `draw` now, or once no pointer is down. A button that moves, or is made anew, between press and release gets no click.
 * Nothing is put off for longer than LONGEST_PRESS_MS: not every release is told, as of a scroll bar.
 */
export function whenReleased(draw) {
  if (pressed === null) draw();
  else waiting.push(draw);
}

function hold(ms) {
  clearTimeout(pressed);
  pressed = setTimeout(release, ms);
}

function release() {
  pressed = null;
  for (const draw of waiting.splice(0)) queueMicrotask(draw); // each by itself: what one throws keeps no other from being drawn
}

addEventListener("pointerdown", () => hold(LONGEST_PRESS_MS), true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => pressed !== null && hold(CLICK_MS), true);
