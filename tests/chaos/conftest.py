"""Fixtures: servers that survive their own deaths. Unlike those of the other tests they are
durable, and restarted on their ports.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.house import World, on_world
from tests.chaos.proxy import Backstage
from tests.realtime.conftest import (
    connect,
    feed,
    installed,
    server,
    settings,
    start_node,
    start_server,
)

# The fixtures of tests/realtime, for tests that cut a connection and need no house.
__all__ = ["connect", "feed", "installed", "server", "settings", "start_node", "start_server"]


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="rollcall-chaos-"))
    folder.chmod(0o755)
    with on_world(folder) as world:
        yield world
    shutil.rmtree(folder)


@pytest.fixture
def backstage() -> Iterator[Backstage]:
    backstage = Backstage()
    yield backstage
    backstage.close()
