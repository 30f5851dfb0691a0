"""Take messages off Redis' lists, each noted as taken in the same step.

kombu pops a message, and notes after that that it has: a worker that is killed between the two
takes the message along. Here a script does both. As a script cannot wait, Redis is asked to tell
when one of the lists changes, for as long as all are empty: that takes nothing off any of them.
A Redis that refuses to tell is asked again and again.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from time import time
from typing import Any, NamedTuple
from uuid import uuid4

import structlog
from redis.exceptions import ResponseError

TRACKING_REFUSED = "tracking_refused"

log = structlog.get_logger(__name__)

# KEYS: the lists in their order, the hash of notes, the index of notes by time.
# ARGV: the note's tag, the time, and for each list what its notes end with.
# It pops first, so that a Redis without free memory lets its queue be worked off.
TAKE = """
local lists = #KEYS - 2
for number = 1, lists do
    local envelope = redis.call('RPOP', KEYS[number])
    if envelope then
        local note = '[' .. envelope .. ARGV[number + 2]
        local noted = redis.pcall('ZADD', KEYS[lists + 2], ARGV[2], ARGV[1])
        if type(noted) ~= 'table' then
            noted = redis.pcall('HSET', KEYS[lists + 1], ARGV[1], note)
        end
        if type(noted) == 'table' then
            redis.call('RPUSH', KEYS[number], envelope)
            return noted
        end
        return {number, envelope}
    end
end
return false
"""
_LISTEN = ("CLIENT", "TRACKING", "ON")
_LISTEN_NO_MORE = ("CLIENT", "TRACKING", "OFF")
# How long to leave a Redis alone that does not tell of changes.
_PAUSE_SECONDS = 0.3


class List(NamedTuple):
    """One of a queue's lists, of which it has one for each priority."""

    key: str
    queue: str


class Taken(NamedTuple):
    """An envelope as it was in the queue, and the tag by which its note is found."""

    tag: str
    envelope: bytes
    queue: str


class Taking:
    """Takes one message at a time over a connection, and never waits for one itself.

    `begin` asks; `go_on` is called whenever there is something to read, until it returns a message.
    """

    def __init__(self, unacked_key: str, unacked_index_key: str) -> None:
        self.is_looking = False  # a message may be on its way
        self.is_waiting = False  # for word that a list changed, and nothing else is on its way
        self._note_keys = (unacked_key, unacked_index_key)
        self._pause_key = f"{unacked_key}_pause"  # which is never there
        self._is_told = True  # unless Redis has refused to tell of changes
        self._connection: Any = None
        self._lists: Sequence[List] = ()
        self._tag = ""
        self._step: Callable[[], Taken | None] = self._hear_change

    def begin(self, connection: Any, lists: Sequence[List]) -> None:
        """Ask for a message of the first list that has any."""
        self._connection, self._lists = connection, lists
        self._look()

    def go_on(self) -> Taken | None:
        """Read what has come, and return the message, or ask further. Raises redis-py's errors."""
        return self._step()

    def look_again(self) -> None:
        """Ask once more, where only word of a change is waited for."""
        self._look(was_listening=True)

    def _look(self, *, was_listening: bool = False) -> None:
        self.is_looking, self.is_waiting, self._tag = True, False, str(uuid4())
        keys = (*(key for key, _ in self._lists), *self._note_keys)
        ends = [f',"",{json.dumps(queue)}]' for _, queue in self._lists]
        before = [_LISTEN_NO_MORE] if was_listening else []
        self._send(*before, ("EVAL", TAKE, len(keys), *keys, self._tag, time(), *ends))
        self._step = partial(self._find, was_listening)

    def _find(self, was_listening: bool) -> Taken | None:
        if was_listening:
            self._read_tracking()
        found, self.is_looking = self._read(), False
        if found:
            number, envelope = found
            return Taken(self._tag, envelope, self._lists[number - 1].queue)
        if not self._is_told:
            self._pause()
            return None
        # Redis tells of the keys that are read from here on; what came before this shows in them.
        self._send(_LISTEN, ("EXISTS", *(key for key, _ in self._lists)))
        self._step = self._listen
        return None

    def _listen(self) -> None:
        self._read_tracking()
        if self._read():
            self._look(was_listening=self._is_told)
            return
        if not self._is_told:
            self._pause()
            return
        self.is_waiting, self._step = True, self._hear_change
        if self._connection.can_read(0):  # read already, so that the socket stays silent
            self._hear_change()

    def _hear_change(self) -> None:
        self._connection.read_response(push_request=True)
        # Whoever takes tasks for a while is not told of each change meanwhile.
        self._look(was_listening=True)

    def _pause(self) -> None:
        """Have Redis answer after a while: nobody puts anything into the list that this waits for.

        So it needs no timer, which there is only in some of the loops that read from the socket.
        """
        self._send(("BRPOP", self._pause_key, _PAUSE_SECONDS))
        self._step = self._end_pause

    def _end_pause(self) -> None:
        self._read()
        self._look()

    def _send(self, *commands: tuple[Any, ...]) -> None:
        self._connection.send_packed_command(self._connection.pack_commands(commands))

    def _read_tracking(self) -> None:
        """Read the answer to CLIENT TRACKING. Refused once, it is not asked for any more."""
        try:
            self._read()
        except ResponseError as refusal:
            self._is_told = False
            log.warning(TRACKING_REFUSED, error=type(refusal).__name__)

    def _read(self) -> Any:
        """Return the next answer. What Redis tells unasked is passed over."""
        return self._connection.read_response()
