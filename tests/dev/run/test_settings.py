"""A run takes the settings of the environment, and makes only those that it lacks."""

from pathlib import Path

import pytest

from dev.run.settings import check, complete, settings_in
from models.settings import SettingsError

ADDRESSES = {"DATABASE_URL": "postgresql://u@h/d", "REDIS_URL": "redis://h"}


def test_an_empty_setting_counts_as_unset() -> None:
    assert settings_in({"PORT": "", "LOG_LEVEL": "DEBUG", "HOME": "/"}) == {"LOG_LEVEL": "DEBUG"}


def test_a_secret_is_made_only_where_there_is_no_key(tmp_path: Path) -> None:
    assert "JWT_SECRET" in complete(ADDRESSES, tmp_path)
    issuer = {"JWT_JWKS_URL": "https://id.example.com/keys", "JWT_AUDIENCE": "rollcall"}
    assert "JWT_SECRET" not in complete(ADDRESSES | issuer, tmp_path)


def test_the_defaults_are_spelled_out_for_programs_that_know_none(tmp_path: Path) -> None:
    settings = complete(ADDRESSES, tmp_path)
    assert settings["PORT"] == "8000"
    assert settings["REDIS_CHANNEL"] == "rollcall"
    assert settings["CELERY_BROKER_URL"] == "redis://h"


def test_bad_settings_are_named_before_there_are_servers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SettingsError):
        check({"PORT": "many", "LOG_LEVEL": "LOUD"})
    assert {line.split(":")[0].strip() for line in capsys.readouterr().err.splitlines()[1:]} == {
        "PORT",
        "LOG_LEVEL",
    }
