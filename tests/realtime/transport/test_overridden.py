"""The libraries beneath are those whose source was read: their insides are relied on."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from realtime import transport
from realtime.transport.overridden import OVERRIDDEN
from tests.sources import digest

LIBRARIES = {"aiohttp", "engineio", "socketio"}
READ = {
    "engineio.base_socket.BaseSocket.__init__": "ab7a0a99cf0f6a75",
    "engineio.async_socket.AsyncSocket.poll": "01a7f5df1937d926",
    "engineio.async_socket.AsyncSocket.close": "9145d6fd2870d960",
    "engineio.async_socket.AsyncSocket.send": "e7de91d345dff4fe",
    "engineio.async_socket.AsyncSocket.check_ping_timeout": "b752d61daa2681da",
    "engineio.async_socket.AsyncSocket._websocket_handler": "3548a4051e6f43df",
    "engineio.async_socket.AsyncSocket._upgrade_websocket": "87601500a120e564",
    "engineio.async_socket.AsyncSocket.handle_get_request": "39d7be2a28cd3bdd",
    "engineio.async_socket.AsyncSocket.handle_post_request": "4c56de0a681290f3",
    "engineio.async_socket.AsyncSocket.receive": "16b0b2f67927768c",
    "engineio.async_socket.AsyncSocket.schedule_ping": "ce99733916e924e7",
    "engineio.async_socket.AsyncSocket._send_ping": "af7d301862db9af7",
    "engineio.async_server.AsyncServer.create_queue": "c7536859974a6f20",
    "engineio.base_server.BaseServer.generate_id": "ed7978ed5af625ff",
    "engineio.async_server.AsyncServer.handle_request": "911b69db6dcb7663",
    "engineio.async_server.AsyncServer._handle_connect": "57f46d8154621917",
    "engineio.async_server.AsyncServer._trigger_event": "727223d7a3f3f60a",
    "engineio.async_server.AsyncServer._service_task": "db7d5f5924c529de",
    "engineio.base_server.BaseServer._bad_request": "1dcaaadc1b0812d3",
    "engineio.base_server.BaseServer._log_error_once": "55c8a04808605b14",
    "engineio.async_server.AsyncServer.shutdown": "9d7e10ee1ef43f12",
    "aiohttp.web_ws.WebSocketResponse.prepare": "aa55fa6602132e35",
    "aiohttp.web_ws.WebSocketResponse._pre_start": "decb53a1be5eba46",
    "aiohttp.web_ws.WebSocketResponse._post_start": "4059bd10d782dcbb",
    "aiohttp.web_ws.WebSocketResponse.write_eof": "6c2603ef4a27e91f",
    "aiohttp.web_runner.AppRunner._make_server": "c5157e722226daa5",
    "aiohttp.web_app.Application._make_handler": "2488cbc5d39d7512",
    "aiohttp.web_server.Server.__init__": "da000b8c6d57b475",
    "aiohttp.web_server.Server.__call__": "18104105a644d93c",
    "aiohttp.web_protocol.RequestHandler.connection_made": "ebfd82e6ee00b134",
    "aiohttp.web_protocol.RequestHandler.connection_lost": "03c8e00617bec1a8",
    "aiohttp.web_protocol.RequestHandler.data_received": "24e16c8dad9a27a6",
    "aiohttp.web_protocol.RequestHandler.set_parser": "8f4c36ca6bdb0b67",
    "aiohttp.web_protocol.RequestHandler.start": "861cf19d1d08c05c",
    "aiohttp.web_protocol.RequestHandler.finish_response": "ed4b58494924613b",
    "aiohttp.web_protocol.RequestHandler.force_close": "69f0f1cd840de1f2",
    "aiohttp.web_protocol.RequestHandler._handle_request": "298294b1c2da63e4",
    "aiohttp.web_protocol.RequestHandler._make_error_handler": "be758c183c09c258",
    "aiohttp.web_protocol.RequestHandler.handle_error": "9f172560bd847f0a",
    "aiohttp.base_protocol.BaseProtocol.connection_lost": "0ad1cb6396af36cc",
    "aiohttp.base_protocol.BaseProtocol.pause_reading": "42d36d05500221b1",
    "aiohttp.base_protocol.BaseProtocol.resume_reading": "0a07c22b5b55d8f9",
    "aiohttp.base_protocol.BaseProtocol._pause_reading_for_buffer": "6606942dbe649496",
    "aiohttp.base_protocol.BaseProtocol._resume_reading_for_buffer": "54fb08c20139ba84",
    "aiohttp._websocket.reader_py.WebSocketDataQueue.feed_data": "b4d1eac5118611cc",
    "aiohttp._websocket.reader_py.WebSocketDataQueue.set_exception": "71c6f39ef8fb78c1",
    "aiohttp._websocket.reader_py.WebSocketDataQueue.exception": "e386f8b911181dda",
    "aiohttp._websocket.reader_py.WebSocketReader.__init__": "a7a9be5f8635f702",
    "aiohttp._websocket.reader_py.WebSocketReader.feed_data": "3a08b85dc522638f",
    "aiohttp._websocket.reader_py.WebSocketReader._feed_data": "c4061ea792af074f",
    "aiohttp._websocket.reader_py.WebSocketReader._handle_frame": "ab6d0abb471d225d",
    "socketio.async_server.AsyncServer._engineio_server_class": "dec53e5e8749cee4",
    "socketio.async_server.AsyncServer._handle_connect": "335c42d04e8d4ae1",
    "socketio.async_server.AsyncServer._handle_disconnect": "4eef8aa4e7ae66e8",
    "socketio.async_server.AsyncServer._handle_eio_connect": "4c462bbca904efb1",
    "socketio.async_server.AsyncServer._handle_eio_disconnect": "97ab2ca891e5ec15",
    "socketio.async_server.AsyncServer._handle_eio_message": "38a7a6c5de2dd6e9",
    "socketio.async_server.AsyncServer._handle_event": "f6cd1d71932878ee",
    "socketio.async_server.AsyncServer._handle_event_internal": "325261cdeeb93883",
    "socketio.async_server.AsyncServer._send_packet": "d8c028ab83726465",
    "socketio.async_server.AsyncServer.disconnect": "3ac609b7ceefd106",
    "socketio.async_pubsub_manager.AsyncPubSubManager.initialize": "35f77f86739287d2",
    "socketio.base_manager.BaseManager.basic_enter_room": "4bccfc8039a4ed24",
    "socketio.base_manager.BaseManager.basic_disconnect": "badf3313db9ad2e1",
    "socketio.base_manager.BaseManager.is_connected": "9a3dfa3676a60849",
    "socketio.base_manager.BaseManager.sid_from_eio_sid": "e5bac935701613fb",
    "socketio.base_manager.BaseManager.eio_sid_from_sid": "969df7c67ce33e9d",
    "socketio.async_redis_manager.AsyncRedisManager._redis_connect": "982157b8eed980ba",
    "socketio.async_redis_manager.AsyncRedisManager._publish": "4e3cae38ca6375f1",
    "socketio.async_pubsub_manager.AsyncPubSubManager.emit": "f7c569d7b006efdc",
    "socketio.async_pubsub_manager.AsyncPubSubManager.close_room": "9fd4152e74ab47c8",
    "socketio.async_pubsub_manager.AsyncPubSubManager.can_disconnect": "8bfea3ad1124f155",
    "socketio.async_pubsub_manager.AsyncPubSubManager._thread": "f867805c44ce1a99",
    "socketio.packet.Packet.__init__": "1d06030e63e28092",
    "socketio.packet.Packet.decode": "d7d14f66f4d5b000",
    "socketio.packet.Packet.encode": "a9acce804e6c532d",
}


def library_of(thing: Callable[..., Any]) -> str:
    return thing.__module__.partition(".")[0]


def our_classes() -> Iterator[type]:
    """Every class that a module of the package makes, or the one that runs aiohttp."""
    inside = pkgutil.iter_modules(transport.__path__, f"{transport.__name__}.")
    for name in (*(info.name for info in inside), "realtime.http.runner"):
        module = importlib.import_module(name)
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                yield kind


def bases(ours: type) -> list[type]:
    """What it extends of the libraries."""
    return [base for base in ours.__bases__ if library_of(base) in LIBRARIES]


OURS = list(our_classes())
EXTENDING = [(ours, base) for ours in OURS for base in bases(ours)]


@pytest.mark.parametrize("function", OVERRIDDEN, ids=lambda function: function.__qualname__)
def test_what_is_overridden_has_not_changed(function: Callable[..., Any]) -> None:
    """If it has: read the new source, see whether realtime/transport holds, note the new digest."""
    name = f"{function.__module__}.{function.__qualname__}"
    assert READ[name] == digest(function), f"{name} is not what realtime/transport was written for"


@pytest.mark.parametrize(("ours", "base"), EXTENDING)
def test_every_override_of_the_libraries_is_watched(ours: type, base: type) -> None:
    watched = {function.__qualname__ for function in OVERRIDDEN}
    for name in vars(ours):
        overridden = getattr(base, name, None)
        if callable(overridden) and not name.startswith("__"):
            message = f"{base.__name__}.{name} is overridden and not watched"
            assert overridden.__qualname__ in watched, message


def test_every_class_that_extends_the_libraries_is_looked_at() -> None:
    names = sorted(ours.__name__ for ours, _ in EXTENDING)
    of_transport = ["Engine", "Handshake", "Inbox", "Packet", "RedisManager", "Server", "Socket"]
    assert names == sorted([*of_transport, "CountedProtocol", "CountingServer", "Runner"])


def test_nothing_of_the_standard_library_is_overridden() -> None:
    """Its insides change with every Python, and no constraint pins them.

    What it gives to be implemented is another matter.
    """
    interfaces = {"builtins", "typing", "asyncio.protocols"}
    above = {base for kind in OURS for base in kind.__bases__}
    standard = [base for base in above if _is_standard(base)]
    assert [base for base in standard if base.__module__ not in interfaces] == []
    assert not [function for function in OVERRIDDEN if _is_standard(function)]


def _is_standard(thing: Callable[..., Any]) -> bool:
    return library_of(thing) in sys.stdlib_module_names
