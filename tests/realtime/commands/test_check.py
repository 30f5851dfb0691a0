"""`rollcall check`, on real servers, and with each of them away in turn."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from redis import Redis
from sqlalchemy import make_url

from models.migrations.revision import newest_revision
from models.redis_rights import WORKER_RIGHTS
from models.settings import Settings
from models.version import rollcall_version
from realtime.commands import checks
from realtime.commands.check import command

NOWHERE = "127.0.0.1:9"
SECRET = "geheim-and-not-to-be-shown"


@pytest.fixture
def environment(
    settings_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.MonkeyPatch:
    """The environment of a whole installation, which a test may change."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in settings_env.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def checked(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, list[tuple[bool, str]]]]:
    """Return the status, and by the name of each check whether it is well, and its detail."""
    status = command.main(["--json"], standalone_mode=False)
    printed = json.loads(capsys.readouterr().out)
    assert (printed["ok"], printed["version"], printed["revision"]) == (
        status == 0,
        rollcall_version(),
        newest_revision(),
    )
    by_name: dict[str, list[tuple[bool, str]]] = {}
    for check in printed["checks"]:
        by_name.setdefault(check["name"], []).append((check["ok"], check["detail"]))
    assert SECRET not in json.dumps(printed)
    return status, by_name


def only_failing(capsys: pytest.CaptureFixture[str], name: str) -> str:
    """Return the detail of the check, which must be the only one that fails."""
    status, by_name = checked(capsys)
    assert status == 1
    failing = [check for check, answers in by_name.items() if not all(ok for ok, _ in answers)]
    assert failing == [name]
    ((_, detail),) = by_name[name]
    return detail


def test_where_all_answers_each_is_ok_in_a_line(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main([], standalone_mode=False) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ("settings", "postgres", "redis", "broker")
    assert [line.split()[:2] for line in lines] == [["ok", name] for name in names]
    assert f"at revision {newest_revision()}" in lines[1]


def test_every_setting_that_is_wrong_or_misspelt_is_named(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("PORT", "eighty")
    environment.setenv("JWT_SECRET", SECRET[:8])
    environment.setenv("FEED_RETENTON_DAYS", SECRET)
    status, by_name = checked(capsys)
    said = [detail for ok, detail in by_name.pop("settings") if not ok]
    assert status == 1
    assert [detail.split()[0].rstrip(":") for detail in said] == [
        "PORT",
        "JWT_SECRET",
        "FEED_RETENTON_DAYS",
    ]
    assert "FEED_RETENTION_DAYS may be meant" in said[2]
    assert all(ok for answers in by_name.values() for ok, _ in answers)


def test_what_rests_on_a_wrong_setting_is_not_asked(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("DATABASE_URL", f"mysql://u:{SECRET}@localhost/x")
    environment.delenv("REDIS_URL")
    status, by_name = checked(capsys)
    assert status == 1
    assert by_name["postgres"] == [(False, "was not asked, as DATABASE_URL must be mended first")]
    assert by_name["redis"] == [(False, "was not asked, as REDIS_URL must be mended first")]


def test_a_postgres_that_is_away_is_told(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("DATABASE_URL", f"postgresql://u:{SECRET}@{NOWHERE}/x")
    detail = only_failing(capsys, "postgres")
    assert "Connection refused" in detail and "mend DATABASE_URL" in detail


def test_a_role_that_postgres_does_not_let_in_is_told(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    postgres_url: str,
) -> None:
    where = postgres_url.partition("://")[2].rpartition("@")[2]
    environment.setenv("DATABASE_URL", f"postgresql://stranger:{SECRET}@{where}")
    detail = only_failing(capsys, "postgres")
    assert "stranger" in detail and "mend DATABASE_URL" in detail


@pytest.mark.parametrize(
    ("statement", "detail_has"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "0001"),
        ("DROP TABLE alembic_version", "no tables"),
    ],
)
def test_another_revision_is_told_with_what_mends_it(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    postgres_url: str,
    statement: str,
    detail_has: str,
) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute(statement)
    detail = only_failing(capsys, "postgres")
    assert detail_has in detail and newest_revision() in detail and "`rollcall migrate`" in detail


def test_a_postgres_that_cannot_write_is_told(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert "read-only" in only_failing(capsys, "postgres")


def test_a_redis_that_is_away_is_told(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broker_url: str,
) -> None:
    environment.setenv("REDIS_URL", f"redis://:{SECRET}@{NOWHERE}/0")
    detail = only_failing(capsys, "redis")
    assert NOWHERE in detail and "mend REDIS_URL" in detail


def test_a_user_that_redis_does_not_let_in_is_told(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    redis_url: str,
) -> None:
    where = redis_url.partition("://")[2].rpartition("@")[2]
    environment.setenv("REDIS_URL", f"redis://stranger:{SECRET}@{where}")
    assert "invalid username-password pair" in only_failing(capsys, "redis")


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_is_told(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scheme: str,
) -> None:
    environment.setenv("CELERY_BROKER_URL", f"{scheme}://u:{SECRET}@{NOWHERE}/0")
    detail = only_failing(capsys, "broker")
    assert NOWHERE in detail and "mend CELERY_BROKER_URL" in detail


@pytest.mark.parametrize(
    ("without", "ok", "detail_has"),
    [
        ("-@scripting", False, "refuses EVAL"),
        ("-hset", False, "refuses HSET"),
        ("resetkeys", False, "refuses keys or channels"),
        ("-client|tracking", True, "refuses CLIENT TRACKING: workers hear of a task up to"),
        ("+@all", True, ""),
    ],
)
def test_what_redis_refuses_to_workers_is_told(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    redis_url: str,
    without: str,
    ok: bool,
    detail_has: str,
) -> None:
    limited = make_url(redis_url).set(username="limited", password=SECRET)
    environment.setenv("CELERY_BROKER_URL", limited.render_as_string(hide_password=False))
    with Redis.from_url(redis_url) as redis:
        rights = ["reset", "on", f">{SECRET}", *WORKER_RIGHTS.split(), without]
        redis.execute_command("ACL", "SETUSER", "limited", *rights)
        try:
            status, by_name = checked(capsys)
        finally:
            redis.acl_deluser("limited")
            redis.acl_log_reset()
        assert redis.dbsize() == 0
    ((was_ok, detail),) = by_name["broker"]
    assert (status == 0, was_ok) == (ok, ok)
    assert detail_has in detail
    assert (WORKER_RIGHTS in detail) is not ok
    assert ("refuses" in detail) is bool(detail_has)


def test_servers_that_take_and_do_not_answer_cost_a_few_seconds_together(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setattr(checks, "LOOK_SECONDS", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        environment.setenv("DATABASE_URL", f"postgresql://u:p@{where}/x")
        environment.setenv("REDIS_URL", f"redis://{where}/0")
        environment.setenv("CELERY_BROKER_URL", f"amqp://u:p@{where}//")
        environment.delenv("JWT_SECRET")
        environment.setenv("JWT_ISSUER", "https://issuer.example.com")
        environment.setenv("JWT_JWKS_URL", f"http://{where}/keys")
        began = time.monotonic()
        status, by_name = checked(capsys)
    assert time.monotonic() - began < 4
    assert status == 1
    assert [name for name, answers in by_name.items() if not answers[0][0]] == [
        "postgres",
        "redis",
        "broker",
        "jwks",
    ]


def public(key: Any, **claims: Any) -> dict[str, Any]:
    is_rsa = isinstance(key, rsa.RSAPrivateKey)
    algorithm: Any = jwt.algorithms.RSAAlgorithm if is_rsa else jwt.algorithms.ECAlgorithm
    published: dict[str, Any] = algorithm.to_jwk(key.public_key(), as_dict=True)
    return published | {"kid": "k", "use": "sig"} | claims


@contextmanager
def published(document: str) -> Iterator[str]:
    """A server that answers with this, whatever is asked; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(document.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/keys"
    server.shutdown()
    server.server_close()


@pytest.fixture
def with_keys(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of an installation whose tokens are signed elsewhere."""
    environment.delenv("JWT_SECRET")
    environment.setenv("JWT_AUDIENCE", "rollcall")
    return environment


def test_keys_that_are_published_are_counted(
    with_keys: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rsa_key, ec_key = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    with published(json.dumps({"keys": [public(rsa_key), public(ec_key)]})) as url:
        with_keys.setenv("JWT_JWKS_URL", url)
        status, by_name = checked(capsys)
    assert status == 0
    assert by_name["jwks"][0][1].startswith("2 usable keys at 127.0.0.1:")


def test_keys_for_other_algorithms_are_told(
    with_keys: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with_keys.setenv("JWT_ALGORITHMS", "RS256,PS256")
    with published(json.dumps({"keys": [public(ec.generate_private_key(ec.SECP256R1()))]})) as url:
        with_keys.setenv("JWT_JWKS_URL", url)
        assert "goes with RS256, PS256; set JWT_ALGORITHMS" in only_failing(capsys, "jwks")


@pytest.mark.parametrize("document", ["<html>", "[]", '{"keys": []}', '{"keys": [{"kty": "RSA"}]}'])
def test_what_holds_no_key_is_told(
    with_keys: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    document: str,
) -> None:
    with published(document) as url:
        with_keys.setenv("JWT_JWKS_URL", url)
        assert "holds no key" in only_failing(capsys, "jwks")


@pytest.mark.parametrize("url", [f"http://{NOWHERE}/keys", f"http://u:{SECRET}@localhost/keys"])
def test_keys_that_cannot_be_fetched_are_told(
    with_keys: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str,
) -> None:
    with_keys.setenv("JWT_JWKS_URL", url)
    assert "mend JWT_JWKS_URL" in only_failing(capsys, "jwks")
