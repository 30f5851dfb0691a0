// Stock socket.io-clients that note how late messages come.
// node stock_client.js URL VIEWERS AUTH_JSON
// A message holds "@" and 16 digits: when its punch was made, in microseconds of CLOCK_MONOTONIC.
// Prints "ready" once all are connected. For a line "count" on stdin it prints how many messages
// came since the last "take", and for "take" their delays in microseconds.
"use strict";
const { io } = require("socket.io-client");

const [url, viewers, auth] = process.argv.slice(2);
let late = [];
let connected = 0;

function take(payload) {
  const now = process.hrtime.bigint() / 1000n;
  const stamp = /@(\d{16})/.exec(payload.punch_id || payload.said);
  if (stamp) late.push(Number(now - BigInt(stamp[1])));
}

for (let i = 0; i < Number(viewers); i++) {
  const socket = io(url + "/noc", {
    auth: JSON.parse(auth),
    transports: ["websocket"],
    forceNew: true,
  });
  socket.on("anomaly_detected", take);
  socket.on("connect", () => ++connected === Number(viewers) && console.log("ready"));
  socket.on("connect_error", (error) => {
    console.error("refused", error.message, error.data);
    process.exit(3);
  });
}

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (word) => {
    console.log(word === "count" ? String(late.length) : JSON.stringify(late));
    if (word === "take") late = [];
  })
  .on("close", () => process.exit(0));
