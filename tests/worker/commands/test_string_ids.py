"""Commands take a string id in double quotes, and a bare number as an integer."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from models import intake
from models.ids import StringId
from models.numbering import find_tenant
from tests.worker.cast import NOON, punch
from tests.worker.conftest import Heard
from worker.__main__ import main
from worker.judging.judge import judge

ZONE = {"timezone": "Europe/Berlin"}
ACME = {
    "tenant": {"tenant_id": "a 1", "name": "Acme"},
    "sites": [
        {"site_id": 15, "name": "Depot", **ZONE},
        {"site_id": "15", "name": "Office", **ZONE},
    ],
    "people": [{"person_id": 7, "name": "Ben"}, {"person_id": "7", "name": "Ada"}],
    "devices": [{"device_id": "d", "shared": False, "person_id": "7"}],
}
SPOOFED = {"tenant_id": "a 1", "person_id": "7", "is_mock_location": True}


@pytest.fixture
def acme(engine: Engine, settings_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Engine:
    for name, value in settings_env.items():
        monkeypatch.setenv(name, value)
    assert intake.sync_roster(engine, ACME).refused == []
    punches = [
        punch("a", site_id="15", device_id="d", **SPOOFED),
        punch("b", **SPOOFED),
        punch("wrong", kind="nap", **SPOOFED),
    ]
    intake.submit(engine, punches)
    judge(engine, find_tenant(engine, StringId("a 1")), Heard())
    return engine


@pytest.mark.usefixtures("acme")
def test_explain_tells_the_rows_of_that_very_tenant_site_and_person(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "a", "--tenant", '"a%201"']) == 0
    text = capsys.readouterr().out
    assert "check-in of Ada at Office" in text
    assert 'site "15", so since ever' in text
    assert 'person "7", so since' in text
    for other in ("1", '"1"', '"nobody"'):
        assert main(["explain", "a", "--tenant", other]) == 1


@pytest.mark.usefixtures("acme")
def test_what_is_rejected_is_listed_and_resubmitted_by_its_tenant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["rejected", "--tenant", '"a 1"']) == 0
    assert '"wrong"' in capsys.readouterr().out
    for other in ("1", '"nobody"'):
        assert main(["rejected", "--tenant", other]) == 0
        assert capsys.readouterr().out == ""
    assert main(["resubmit", str(uuid4()), "--tenant", '"nobody"']) == 1


@pytest.mark.usefixtures("acme")
def test_a_policy_to_try_names_sites_as_commands_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"sites": {"\\"15\\"": {"gps_spoofing": "off"}}}')
    since = (NOON - timedelta(days=1)).date().isoformat()
    common = ["backtest", "--tenant", '"a%201"', "--policy", str(policy), "--from", since]
    assert main(common) == 0
    lines = capsys.readouterr().out.splitlines()
    (office,) = [line for line in lines if 'Office ("15")' in line]
    (depot,) = [line for line in lines if "Depot (15)" in line]
    assert [office.split()[3:6], depot.split()[3:6]] == [["1", "0", "1"], ["1", "0", "0"]], lines


def test_what_is_no_id_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("acme", '"', '""', '"%zz"', "0"):
        with pytest.raises(SystemExit, match="2"):
            main(["explain", "a", "--tenant", wrong])
        assert "is no id" in capsys.readouterr().err
