"""The parts that all tasks of one process share.

They are made in the process that uses them: neither an engine nor an emitter survives a fork.
"""

import os
from functools import cache
from typing import NamedTuple

from sqlalchemy import Engine

from models.channel_keys import SigningKeys
from models.database import make_engine
from models.emitter import FeedManager
from models.settings import Settings, load_settings
from worker.broker.backlog import Backlog
from worker.emit import Emitter
from worker.judging.gathering import Gathering

# As many as the largest pool of threads that makes sense; each is opened when it is needed.
_CONNECTIONS = 32


class Process(NamedTuple):
    """The settings, the engine, the emitter, and the tenants of which punches were left."""

    settings: Settings
    engine: Engine
    emit: Emitter
    gathering: Gathering


def this_process() -> Process:
    """The parts of this process, whichever pool it belongs to."""
    return _made(os.getpid())


@cache
def _made(_pid: int) -> Process:
    settings = load_settings()
    engine = make_engine(settings.database_url, pool_size=_CONNECTIONS, trusted_seconds=1.0)
    return Process(
        settings,
        engine,
        Emitter(FeedManager(settings.redis_url, settings.redis_channel, SigningKeys(engine))),
        Gathering(Backlog()),
    )
