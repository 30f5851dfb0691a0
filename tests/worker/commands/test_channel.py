"""`rollcall channel rotate` makes a key, keeps the one before it, and shows no secret."""

import psycopg
import pytest
from click.testing import CliRunner

from worker.commands.channel import command


def test_rotating_makes_a_key_and_keeps_the_one_before(
    postgres_url: str, settings_env: dict[str, str]
) -> None:
    def keys() -> list[tuple[str, bytes]]:
        with psycopg.connect(postgres_url) as connection:
            sql = "SELECT key_id, secret FROM channel_key ORDER BY made_at"
            return connection.execute(sql).fetchall()

    ((first, _),) = keys()
    printed = ""
    for ended in ("", first):
        answer = CliRunner().invoke(command, ["rotate"], env=settings_env)
        assert answer.exit_code == 0, answer.output
        assert f"key {keys()[-1][0]} signs in 60 seconds" in answer.output
        assert ("ended: " + ended in answer.output) is bool(ended)
        printed += answer.output
    assert len(keys()) == 2
    assert not [key_id for key_id, secret in keys() if secret.hex() in printed]


@pytest.mark.parametrize("arguments", [["--help"], ["rotate", "--help"]])
def test_help_needs_no_settings(arguments: list[str]) -> None:
    assert CliRunner().invoke(command, arguments, env={}).exit_code == 0
