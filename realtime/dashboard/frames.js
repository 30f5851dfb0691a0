// However many messages arrive, the page is drawn once a frame.

const HIDDEN_MS = 250;

/** A function that asks for `draw` to be called soon, once. A hidden tab has no frames, so there a timer does it. */
export function oncePerFrame(draw) {
  let asked = false;
  const run = () => {
    if (!asked) return;
    asked = false;
    draw();
  };
  document.addEventListener("visibilitychange", run);
  return () => {
    if (asked) return;
    asked = true;
    if (document.hidden) setTimeout(run, HIDDEN_MS);
    else requestAnimationFrame(run);
  };
}
