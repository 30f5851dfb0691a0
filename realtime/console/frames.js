// Draws the page at most once a frame, and not while a pointer is down.

const HIDDEN_MS = 250;
const CLICK_MS = 50; // the click comes after the release
const LONGEST_PRESS_MS = 1_000;

let pressed = null;
const waiting = [];

/**
 * Return a function that has `draw` called once, soon: on the next frame, or by a timer in a hidden
 * tab, which has no frames.
 */
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
 * Call `draw` now, or once no pointer is down: a button that moves or is made anew between press
 * and release gets no click. It waits for LONGEST_PRESS_MS at most, because a browser does not
 * report every release, such as that of a scroll bar.
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
  // Each is called by itself, so that an error in one does not keep the others from being drawn.
  for (const draw of waiting.splice(0)) queueMicrotask(draw);
}

addEventListener("pointerdown", () => hold(LONGEST_PRESS_MS), true);
for (const end of ["pointerup", "pointercancel"])
  addEventListener(end, () => pressed !== null && hold(CLICK_MS), true);
