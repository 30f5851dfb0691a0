"""Commands are called in the process of the tests, whose logs are not theirs to set up."""

import pytest


@pytest.fixture(autouse=True)
def _logs_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.commands.installation.start_logs", lambda _level: None)
