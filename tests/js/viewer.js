// One stock viewer. Prints what happens to it as JSON lines, and takes commands as JSON lines.
// node viewer.js '{"url": ..., "auth": {...}, "options": {...}}'
import readline from "node:readline";
import { io } from "socket.io-client";

const { url, auth, options } = JSON.parse(process.argv[2]);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const socket = io(url + "/noc", {
  auth,
  transports: ["websocket"],
  reconnectionDelay: 50,
  reconnectionDelayMax: 200,
  ...options,
});
socket.on("connect", () =>
  say({
    connect: { recovered: socket.recovered === true, transport: socket.io.engine.transport.name },
  }),
);
socket.on("connect_error", (error) =>
  say({ connect_error: { message: error.message, code: error.data?.code ?? null } }),
);
socket.on("disconnect", (reason) => say({ disconnect: { reason, active: socket.active } }));
socket.onAny((event, payload, offset) => say({ event, payload, offset }));
socket.io.engine.once("upgrade", () => say({ upgrade: true }));

const commands = {
  cut: () => socket.io.engine.close(),
  connect: () => socket.connect(),
  ask: async ({ event, data }) =>
    say({ answer: await socket.timeout(20000).emitWithAck(event, data) }),
  tell: ({ event, data }) => socket.emit(event, data),
};
readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    commands[command.do](command);
  })
  .on("close", () => process.exit(0));
