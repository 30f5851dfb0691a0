"""`rollcall token`: what may be asked for is what a server takes."""

import secrets

import jwt
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


@pytest.mark.parametrize(
    ("arguments", "claims"),
    [
        (["--tenant", '"15"'], ("15", "all")),
        (["--tenant", "15", "--sites", '15,"15","a%2Cb%5F"'], (15, [15, "15", "a,b_"])),
    ],
)
def test_an_id_in_quotes_is_a_string_and_a_bare_number_an_integer(
    arguments: list[str],
    claims: tuple[object, object],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:9/x")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("JWT_SECRET", secrets.token_hex(32))
    assert run(command, arguments, "rollcall token") == 0
    token = jwt.decode(capsys.readouterr().out.strip(), options={"verify_signature": False})
    assert (token["tenant_id"], token["sites"]) == claims
