// The page's one Socket.IO connection: its state, the messages it brings, and requests over it.

import { io } from "/dashboard/socket.io.esm.min.js";
import { Replay } from "/dashboard/replay.js";

const FEED_EVENTS = [
  "anomaly_detected",
  "anomaly_updated",
  "finding_created",
  "ticket_updated",
  "alert_created",
  "alert_updated",
];
const ANSWER_MS = 10_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 20_000];

/** The server refused a request: its code, and for a refused move the alert as it is now. */
export class Refusal extends Error {
  constructor({ code, message, alert }) {
    super((message || code).replace(/\.$/, ""));
    this.code = code;
    this.alert = alert;
  }
}

/** Say why a request failed. Without an answer, the server may have done it all the same. */
export function notDone(error) {
  return error instanceof Refusal
    ? `Not done: ${error.message}.`
    : `No answer came (${error.message}): it may have been done, or not.`;
}

export class Connection {
  #socket;
  #on;
  #replay = null;
  #state = { name: "connecting" };
  #lostAt = Date.now();
  #retries = 0;
  #timer;

  /**
   * `credentials()` returns what is sent on every connect: {token, filter, history}.
   * `on` has `state(state)`, `snapshot(payload)`, `message(payload)` and `resync(reason)`.
   * A state has a `name` and what belongs to it: connecting, live, recovered {away, missed},
   * reconnecting {since, attempt, reason}, expired, refused {code, message}. `away` is in
   * milliseconds, `since` in milliseconds since 1970.
   */
  constructor(credentials, on) {
    this.#on = on;
    this.#socket = io("/noc", {
      auth: (give) => give(credentials()),
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelayMax: 5000,
    });
    this.#listen();
  }

  get isLive() {
    return this.#socket.connected;
  }

  /** Connect again, with a new token. */
  resume() {
    clearTimeout(this.#timer);
    this.#retries = 0;
    this.#say({ name: "connecting" });
    if (this.#socket.connected) this.#socket.disconnect();
    this.#socket.connect();
  }

  /** Send `event` and return the answer. Rejects with Refusal, or with Error if none came. */
  async ask(event, data) {
    const answer = await this.#socket.timeout(ANSWER_MS).emitWithAck(event, data);
    if (answer?.ok) return answer;
    const message = "The server gave an answer that cannot be read.";
    throw new Refusal(answer?.error ?? { code: "invalid", message });
  }

  #listen() {
    const socket = this.#socket;
    socket.on("connect", () => this.#connected());
    socket.on("disconnect", (reason) => this.#lost(reason));
    socket.on("connect_error", (error) => this.#failed(error));
    socket.io.on(
      "reconnect_attempt",
      (attempt) => this.#state.name === "reconnecting" && this.#say({ ...this.#state, attempt }),
    );
    socket.on("token_expired", () => this.#say({ name: "expired" }));
    socket.on("resync", (payload) => this.#on.resync(String(payload?.reason ?? "")));
    socket.on("snapshot", (payload) => this.#on.snapshot(payload));
    for (const event of FEED_EVENTS) socket.on(event, (payload) => this.#heard(payload));
  }

  #say(state) {
    this.#state = state;
    this.#on.state(state);
  }

  #heard(payload) {
    this.#on.message(payload);
    if (this.#replay?.heard(payload.position)) this.#count();
  }

  async #connected() {
    this.#retries = 0;
    if (!this.#socket.recovered) {
      this.#replay = null;
      return this.#say({ name: "live" });
    }
    const replay = this.#replay;
    this.#say({ name: "recovered", away: Date.now() - this.#lostAt, missed: replay.missed });
    try {
      replay.endsAt((await this.ask("history", { limit: 1 })).position);
    } catch {
      // Lost again, or the server is too busy to answer: what comes from now on is not counted.
      replay.end();
    }
    if (replay === this.#replay) this.#count();
  }

  #count() {
    if (this.#state.name === "recovered")
      this.#say({ ...this.#state, missed: this.#replay.missed });
  }

  #lost(reason) {
    this.#lostAt = Date.now();
    this.#replay = new Replay();
    if (this.#state.name === "expired" || reason === "io client disconnect") return;
    this.#say({ name: "reconnecting", since: this.#lostAt, attempt: 1, reason });
    if (!this.#socket.active) this.#retry();
  }

  #failed(error) {
    const code = error.data?.code;
    if (this.#socket.active) return this.#waiting(error.message);
    if (code === "unavailable") {
      this.#waiting("unavailable");
      return this.#retry();
    }
    this.#say(
      code === "token_expired"
        ? { name: "expired" }
        : { name: "refused", code, message: error.message },
    );
  }

  #waiting(reason) {
    this.#say({
      name: "reconnecting",
      since: this.#lostAt,
      attempt: this.#state.attempt ?? 1,
      reason,
    });
  }

  // Socket.IO does not reconnect by itself where the server refused or dropped the socket.
  #retry() {
    const wait = RETRY_MS[Math.min(this.#retries++, RETRY_MS.length - 1)];
    this.#timer = setTimeout(() => {
      this.#say({ ...this.#state, attempt: this.#retries });
      this.#socket.connect();
    }, wait);
  }
}
