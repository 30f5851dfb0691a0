"""The ground of every scenario: an embedded Postgres, an embedded Valkey, a folder for logs. The
servers are durable, and all is gone afterwards.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import redis

from dev.bench.figures import Figures
from dev.bench.size import Size
from dev.embedded.postgres import Postgres
from dev.embedded.valkey import Valkey

PASSWORD = "for-the-benchmark-only"
# As much as a server with millions of punches is given; the default, 128 MB, is for machines of
# another age.
_MEMORY = ("shared_buffers=1GB", "max_wal_size=4GB")


class Stage(NamedTuple):
    size: Size
    figures: Figures
    logs: Path
    without: frozenset[str]  # contenders that are left out
    # for the one server that is measured; None where the cores cannot be split
    server_cores: list[int] | None
    other_cores: list[int] | None  # for what loads it
    postgres_url: str  # of the maintenance database
    postgres_pid: int
    redis_url: str
    redis_pid: int

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url)


@contextmanager
def raise_stage(
    size: Size, figures: Figures, without: frozenset[str] = frozenset()
) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        logs = Path(folder) / "logs"
        logs.mkdir()
        with _running(Path(folder)) as (postgres, valkey):
            server_cores, other_cores = _split_cores()
            redis_pid = int(redis.Redis.from_url(valkey.url).info("server")["process_id"])
            assert postgres.process is not None
            postgres_url = postgres.url("postgres")
            yield Stage(
                size,
                figures,
                logs,
                without,
                server_cores,
                other_cores,
                postgres_url,
                postgres.process.pid,
                valkey.url,
                redis_pid,
            )


@contextmanager
def _running(folder: Path) -> Iterator[tuple[Postgres, Valkey]]:
    """Run both servers, durable: what is measured has been written."""
    postgres, valkey = (
        Postgres(folder / "postgres", PASSWORD, settings=_MEMORY),
        Valkey(folder / "valkey", PASSWORD),
    )
    with ExitStack() as stack:
        for server in (postgres, valkey):
            stack.callback(server.stop)
            server.start()
        yield postgres, valkey


def _split_cores() -> tuple[list[int] | None, list[int] | None]:
    """Give the last core to the server under test and the others to the load, so that neither waits
    for the other.
    """
    cores = psutil.Process().cpu_affinity() if hasattr(psutil.Process, "cpu_affinity") else []
    return (cores[-1:], cores[:-1]) if len(cores) > 1 else (None, None)
