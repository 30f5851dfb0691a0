"""The interface of a fan-out contender: a server in one process, how its viewers connect, and a
way to say things.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Protocol

from dev.bench.message import TENANT
from dev.bench.processes import Process, accepts, free_port

SOCKET_IO = "/socket.io/?EIO=4&transport=websocket"
Kind = Literal["ours", "peer", "floor"]


class Contender(Protocol):
    """`connect` is the CONNECT packet of its viewers, None for a bare websocket. By its `slowness`
    a contender gets so many times fewer messages than the fastest.
    """

    name: str
    kind: Kind
    path: str
    connect: str | None
    slowness: float

    def start(self, logs: Path, cores: Iterable[int] | None = None) -> "Serving": ...

    def say(self, first: int, count: int, tenant: int = TENANT) -> None:
        """Say messages `first` .. `first + count - 1` in the tenant's room, as fast as they go."""
        ...


class Serving:
    """A contender's server, up and accepting. Ends with its `with` block."""

    def __init__(self, process: Process, port: int) -> None:
        self.process, self.port, self.pid = process, port, process.pid

    def __enter__(self) -> "Serving":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()


def serve(
    name: str,
    command: list[str],
    logs: Path,
    *,
    env: Mapping[str, str] | None = None,
    cores: Iterable[int] | None = None,
) -> Serving:
    """Start `command`, in which PORT stands for a free port (it is in the environment, too), and
    wait until it accepts connections. Raises Died or TimeoutError where it does not.
    """
    port = free_port()
    words = [str(port) if word == "PORT" else word for word in command]
    process = Process(
        words, logs / f"{name}.log", env={"PORT": str(port), **(env or {})}, cores=cores
    )
    try:
        process.wait_until(lambda: accepts(port))
    except BaseException:
        process.stop()
        raise
    return Serving(process, port)
