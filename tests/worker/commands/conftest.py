"""Commands run in the process of the tests, and must not set up its logs."""

import pytest


@pytest.fixture(autouse=True)
def _logs_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.commands.installation.start_logs", lambda _level: None)
