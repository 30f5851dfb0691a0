// Several stock viewers in one process, which reconnect by themselves. Prints what happens to each
// as JSON lines.
// node fleet.js '[{"url": ..., "auth": {...}, "filter": {...}, "options": {...}}, ...]'
import { io } from "socket.io-client";

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

JSON.parse(process.argv[2]).forEach(({ url, auth, filter, options }, viewer) => {
  const socket = io(url + "/noc", {
    auth,
    forceNew: true,
    reconnectionDelay: 100,
    reconnectionDelayMax: 1000,
    ...options,
  });
  socket.on("connect", () => say({ viewer, connect: { recovered: socket.recovered === true } }));
  socket.on("connect_error", (error) =>
    say({ viewer, connect_error: { message: error.message, active: socket.active } }),
  );
  socket.on("disconnect", (reason) =>
    say({ viewer, disconnect: { reason, active: socket.active } }),
  );
  socket.onAny((event, payload) => say({ viewer, event, payload }));
  socket.once("snapshot", async () => {
    if (filter) await socket.emitWithAck("filter_anomalies", filter);
    say({ viewer, ready: true });
  });
});
process.stdin.on("end", () => process.exit(0)).resume();
