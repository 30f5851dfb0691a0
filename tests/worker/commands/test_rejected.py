"""`rollcall rejected` and `rollcall resubmit`: they show what named no readable tenant."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from models import intake
from tests.worker.cast import punch, rows
from worker.__main__ import main


@pytest.fixture(autouse=True)
def _settings(settings_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings_env.items():
        monkeypatch.setenv(name, value)


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    assert main(["rejected", *options]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_names_no_tenant_is_listed_and_taken_once_it_is_mended(
    engine: Engine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    homeless = punch("p1", tenant_id=1.5)
    intake.submit(engine, [homeless, punch("p2", kind="nap")])
    (row,) = listed(capsys)
    assert (row["punch_id"], row["reasons"][0]["field"], json.loads(row["content"])) == (
        "p1",
        "tenant_id",
        homeless,
    )
    assert [row["punch_id"] for row in listed(capsys, "--tenant", "1")] == ["p2"]
    assert main(["resubmit", row["rejected_id"]]) == 1
    assert json.loads(capsys.readouterr().out)["status"] == "rejected"
    mended = tmp_path / "mended.json"
    mended.write_text(json.dumps(punch("p1")))
    assert main(["resubmit", row["rejected_id"], "--file", str(mended)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "punch_id": "p1",
        "status": "accepted",
        "applied": True,
        "reasons": [],
    }
    assert rows(engine, "SELECT tenant_id, punch_id FROM punch") == [(1, "p1")]
    assert listed(capsys) == []


def test_what_cannot_be_resubmitted_says_why(
    capsys: pytest.CaptureFixture[str], engine: Engine, tmp_path: Path
) -> None:
    assert main(["resubmit", str(uuid4())]) == 1
    assert "has no rejected submission" in capsys.readouterr().err
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert main(["resubmit", str(uuid4()), "--file", str(broken)]) == 2
    assert "cannot be read as JSON" in capsys.readouterr().err
