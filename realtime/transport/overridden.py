"""What we override of python-socketio, python-engineio and aiohttp, and why.

In this package:

- A client is asked who it is before it has a sid: nothing can reach one that is not admitted, and
  no failure leaves a ghost (server).
- The answer to CONNECT carries `pid`, which a stock client recovers with (server).
- Packets are counted, parsed once, and only text ones of the types that viewers need are let in
  (server, packet).
- An open websocket is taken away from aiohttp, and has neither queue nor task nor timer of its own
  (handshake, line, socket; probe, where it takes over from polling).
- Connections are counted, by whose they are and how long they are silent; a request's head has a
  time limit, and so has what is sent by polling, which is read to its end (http_protocol,
  connections, unadmitted, socket).
- A frame of a client that is not masked ends its websocket (masks, line).
- What waits for a client that polls is counted in bytes (outbox, socket).
- A request of a session that is not known here is told why that may be (engine, unknown_sessions).
- Pings are sent and missed in one round for all (engine, rounds).
- The Redis manager listens to the tenants that have viewers here, from the start of the server, and
  is back soon after Redis is (redis_manager, listener).
- It acts on nothing of what the library acts on, whoever publishes it: it emits to nobody, ends
  nobody, and closes no room (redis_manager).

And in realtime.http.runner:

- Requests that aiohttp refuses by itself are answered in the form of the API.

A test compares the source of each function below with the one that was read: see
tests/realtime/transport/test_overridden.py, and what to do when it fails.
"""

from collections.abc import Callable
from typing import Any

import engineio
import socketio
from aiohttp import web
from aiohttp._websocket import reader_py
from aiohttp.base_protocol import BaseProtocol
from engineio.async_socket import AsyncSocket
from socketio import packet

# Everything that we override, call or count on beyond the public interfaces.
OVERRIDDEN: tuple[Callable[..., Any], ...] = (
    # A connection. Its class is changed after its constructor ran.
    AsyncSocket.__init__,
    AsyncSocket.poll,
    AsyncSocket.close,
    AsyncSocket.send,
    AsyncSocket.check_ping_timeout,
    AsyncSocket._websocket_handler,
    AsyncSocket._upgrade_websocket,
    AsyncSocket.handle_get_request,
    AsyncSocket.handle_post_request,
    AsyncSocket.receive,
    AsyncSocket.schedule_ping,
    AsyncSocket._send_ping,
    # The Engine.IO server.
    engineio.AsyncServer.create_queue,
    engineio.AsyncServer.generate_id,
    engineio.AsyncServer.handle_request,
    engineio.AsyncServer._handle_connect,
    engineio.AsyncServer._trigger_event,
    engineio.AsyncServer._service_task,
    engineio.AsyncServer._bad_request,
    engineio.AsyncServer._log_error_once,
    engineio.AsyncServer.shutdown,
    # A websocket's request, and the connection that is taken away after it.
    web.WebSocketResponse.prepare,
    web.WebSocketResponse._pre_start,
    web.WebSocketResponse._post_start,
    web.WebSocketResponse.write_eof,
    # How connections are counted.
    web.AppRunner._make_server,
    web.Application._make_handler,
    web.Server.__init__,
    web.Server.__call__,
    web.RequestHandler.connection_made,
    web.RequestHandler.connection_lost,
    web.RequestHandler.data_received,
    web.RequestHandler.set_parser,
    web.RequestHandler.start,
    web.RequestHandler.finish_response,
    web.RequestHandler.force_close,
    # An answer to what aiohttp cannot read.
    web.RequestHandler._handle_request,
    web.RequestHandler._make_error_handler,
    web.RequestHandler.handle_error,
    BaseProtocol.connection_lost,
    # What these pause, the line resumes.
    BaseProtocol.pause_reading,
    BaseProtocol.resume_reading,
    BaseProtocol._pause_reading_for_buffer,
    BaseProtocol._resume_reading_for_buffer,
    # Compiled from these; realtime.transport.line puts its own queue beneath them.
    reader_py.WebSocketDataQueue.feed_data,
    reader_py.WebSocketDataQueue.set_exception,
    reader_py.WebSocketDataQueue.exception,
    reader_py.WebSocketReader.__init__,
    reader_py.WebSocketReader.feed_data,
    reader_py.WebSocketReader._feed_data,
    reader_py.WebSocketReader._handle_frame,
    # The Socket.IO server.
    socketio.AsyncServer._engineio_server_class,
    socketio.AsyncServer._handle_connect,
    socketio.AsyncServer._handle_disconnect,
    socketio.AsyncServer._handle_eio_connect,
    socketio.AsyncServer._handle_eio_disconnect,
    socketio.AsyncServer._handle_eio_message,
    socketio.AsyncServer._handle_event,
    socketio.AsyncServer._handle_event_internal,
    socketio.AsyncServer._send_packet,
    socketio.AsyncServer.disconnect,
    # The Redis manager.
    socketio.AsyncRedisManager.initialize,
    socketio.AsyncRedisManager.basic_enter_room,
    socketio.AsyncRedisManager.basic_disconnect,
    socketio.AsyncRedisManager.is_connected,
    socketio.AsyncRedisManager.sid_from_eio_sid,
    socketio.AsyncRedisManager.eio_sid_from_sid,
    socketio.AsyncRedisManager._redis_connect,
    socketio.AsyncRedisManager._thread,
    socketio.AsyncRedisManager._publish,
    socketio.AsyncRedisManager.emit,
    socketio.AsyncRedisManager.close_room,
    socketio.AsyncRedisManager.can_disconnect,
    # Packets.
    packet.Packet.__init__,
    packet.Packet.decode,
    packet.Packet.encode,
)
