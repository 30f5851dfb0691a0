"""`rollcall token`: what may be asked for is what a server takes."""

import pytest

from models.commands.by_name import run
from realtime.commands.token import command


def test_where_tokens_are_signed_elsewhere_it_says_so(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:9/x")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.delenv("JWT_SECRET", raising=False)
    monkeypatch.setenv("JWT_AUDIENCE", "rollcall")
    monkeypatch.setenv("JWT_JWKS_URL", "http://127.0.0.1:9/keys")
    with pytest.raises(SystemExit) as ended:
        run(command, ["--tenant", "1"], "rollcall token")
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    why = "JWT_SECRET is not set: tokens are issued by whoever holds the private key"
    assert printed.err == f"rollcall: {why}\n"
