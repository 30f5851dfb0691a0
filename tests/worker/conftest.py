"""The tenants Acme (1) and Globex (2), on a database of the test's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from models import intake
from models.database import make_engine, transaction
from models.feed import Message
from models.ids import Id
from tests.payloads import faults_of_messages
from tests.worker.cast import roster
from worker.judging import pace


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url, pool_size=8)
    for tenant_id in (1, 2):
        intake.sync_roster(engine, roster(tenant_id))
    yield engine
    with transaction(engine) as cursor:
        faults = list(faults_of_messages(cursor.connection))
    engine.dispose()
    assert not faults, "every message of a test is as its model says"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Give the file for the logs of a test's processes, printed where the test fails."""
    path = tmp_path / "process.log"
    yield path
    print(path.read_text(errors="replace") if path.exists() else "")


@pytest.fixture(autouse=True)
def steady_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no judgement be slow: how many rows one takes does not hang on how busy the machine is.

    Tests of the pace itself have a `steady_pace` that does nothing.
    """
    monkeypatch.setattr(pace, "BATCH_SECONDS", float("inf"))


class Heard:
    """An `Emit` that keeps what it was called with."""

    def __init__(self) -> None:
        self.said: list[tuple[Id, str, int, list[Message]]] = []

    def __call__(self, tenant_id: Id, epoch: str, base: int, messages: list[Message]) -> None:
        self.said.append((tenant_id, epoch, base, messages))

    @property
    def messages(self) -> list[Any]:
        return [message for _, _, _, messages in self.said for message in messages]


@pytest.fixture
def heard() -> Heard:
    return Heard()
