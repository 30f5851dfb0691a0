// The peer: socket.io with its Redis adapter, one room.
// node server.js PORT REDIS_URL [deflate]
"use strict";
const http = require("http");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");

async function main() {
  const [port, url, deflate] = process.argv.slice(2);
  const publisher = createClient({ url });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const server = http.createServer();
  const io = new Server(server, {
    adapter: createAdapter(publisher, subscriber),
    perMessageDeflate: deflate === "deflate",
  });
  io.of("/noc").on("connection", (socket) => socket.join("noc_tenant_1"));
  server.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
}

main();
