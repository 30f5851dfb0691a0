// Plays a short tone with a notice. It is off until the user turns it on; browsers allow sound only
// after a click anyway.

import { byId, setText } from "/dashboard/element.js";

const TONES = { HIGH: [660], CRITICAL: [880, 880] };
const STORED = "rollcall.sound";

let audio = null;

export function offerSound() {
  const button = byId("sound");
  button.hidden = false;
  draw(button);
  button.addEventListener("click", () => {
    localStorage.setItem(STORED, isOn() ? "off" : "on");
    draw(button);
    play("HIGH");
  });
}

export function play(severity) {
  if (!isOn()) return;
  audio ??= new AudioContext();
  TONES[severity]?.forEach((pitch, index) => tone(pitch, audio.currentTime + index * 0.22));
}

function isOn() {
  return localStorage.getItem(STORED) === "on";
}

function draw(button) {
  button.setAttribute("aria-pressed", String(isOn()));
  setText(button, isOn() ? "Sound on" : "Sound off");
}

function tone(pitch, at) {
  const volume = new GainNode(audio, { gain: 0 });
  const source = new OscillatorNode(audio, { frequency: pitch });
  volume.gain.setTargetAtTime(0.12, at, 0.01);
  volume.gain.setTargetAtTime(0, at + 0.12, 0.03);
  source.connect(volume).connect(audio.destination);
  source.start(at);
  source.stop(at + 0.4);
}
