"""Drives the load client (client.c): so many viewers of one server, and what reached them."""

import json
import select
import subprocess
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, NamedTuple, Self

from dev.bench.compiled import load_client
from dev.bench.message import EVENT
from dev.bench.processes import pin


class Lost(RuntimeError):
    """Messages did not reach every viewer once and in order while they were measured, so that the
    figure would mean nothing.
    """


class Heard(NamedTuple):
    """A summary of what all viewers heard of one volley. Delays are in ms, from when a message was
    said to when it was read, and None where no message was stamped.
    """

    received: int
    seconds: float  # from the first delivery to the last
    client_cpu: float
    compressed: int  # viewers whose connection is compressed
    lost: int
    disorder: int
    stray: int
    unstamped: int
    p50_ms: float | None = None
    p99_ms: float | None = None
    p999_ms: float | None = None
    max_ms: float | None = None


class Viewers:
    """`count` viewers in one process. `connect` is the Socket.IO CONNECT packet, None for a bare
    websocket. `at_once` is (messages, seconds) where they are to be counted from the connection on.
    """

    def __init__(
        self,
        port: int,
        count: int,
        *,
        path: str,
        connect: str | None,
        event: str = EVENT,
        deflate: bool = False,
        ordered: bool = True,
        at_once: tuple[int, float] | None = None,
        cores: Iterable[int] | None = None,
    ) -> None:
        command = [
            str(load_client()),
            "--port",
            str(port),
            "--viewers",
            str(count),
            "--path",
            path,
            "--event",
            event,
        ]
        command += ["--connect", connect] if connect is not None else []
        command += ["--deflate"] * deflate + ["--ordered"] * ordered
        command += ["--expect", str(at_once[0]), "--seconds", str(at_once[1])] if at_once else []
        self.count = count
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        if cores is not None:
            pin(self._popen.pid, cores)
        self._unread = b""
        if at_once:
            self._line("expecting", 10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if stream is not None:
                stream.close()
        self._popen.wait(10)

    def wait_connected(self, seconds: float = 120) -> None:
        self._line("ready", seconds)

    def expect(self, messages: int, seconds: float) -> None:
        """Count `messages` for each viewer from now on, for at most `seconds`."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"expect {messages} {seconds}\n".encode())
        self._line("expecting", 10)

    def stop(self) -> Heard:
        """Stop counting; return what was heard of what was expected."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(b"stop\n")
        return self.heard(10, complete=False)

    def heard(self, seconds: float, *, complete: bool = True) -> Heard:
        """Wait for what was expected, and return it. Raises Lost where `complete` and some viewer
        did not hear every message once and in order.
        """
        answer: dict[str, Any] = json.loads(self._line("done", seconds + 10))
        heard = Heard(**{name: answer[name] for name in Heard._fields if name in answer})
        if complete and (heard.lost or heard.disorder):
            raise Lost(
                f"{heard.lost} messages lost and {heard.disorder} out of order, "
                f"of {heard.lost + heard.received}"
            )
        return heard

    def _line(self, word: str, seconds: float) -> str:
        """The rest of the next line, which starts with `word`."""
        deadline = time.monotonic() + seconds
        assert self._popen.stdout is not None
        while b"\n" not in self._unread:
            readable, _, _ = select.select(
                [self._popen.stdout], [], [], max(0.0, deadline - time.monotonic())
            )
            if not readable:
                raise TimeoutError(f"the load client did not say {word!r} within {seconds} s")
            data = self._popen.stdout.read(65536)
            if not data:
                raise RuntimeError(f"the load client ended: {self._errors()}")
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        first, _, rest = line.decode().partition(" ")
        if first != word:
            raise RuntimeError(f"the load client said {first!r} where {word!r} was expected")
        return rest

    def _errors(self) -> str:
        assert self._popen.stderr is not None
        return self._popen.stderr.read(3000).decode(errors="replace")
