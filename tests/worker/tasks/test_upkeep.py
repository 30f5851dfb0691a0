"""The tasks of upkeep, called in this process: none keeps another from its work."""

from types import SimpleNamespace

import pytest
from sqlalchemy import Engine

import worker.tasks.upkeep
from worker.tasks.upkeep import prune_old


class CannotExtendError(Exception):
    """What a calendar failed with."""


@pytest.fixture(autouse=True)
def process(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SimpleNamespace(feed_retention_days=30)
    parts = SimpleNamespace(engine=engine, settings=settings)
    monkeypatch.setattr(worker.tasks.upkeep, "this_process", lambda: parts)


def test_pruning_runs_whatever_calendars_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pruned = []

    def fail(_engine: Engine) -> None:
        raise CannotExtendError

    monkeypatch.setattr(worker.tasks.upkeep, "extend_due", fail)
    monkeypatch.setattr(worker.tasks.upkeep, "prune", lambda *arguments: pruned.append(arguments))
    with pytest.raises(CannotExtendError):
        prune_old.run()
    assert len(pruned) == 1
