"""The embedded servers keep what they were given, through a stop and through a crash."""

import os
from pathlib import Path

import psycopg
import pytest
import redis

from dev.embedded.postgres import Postgres
from dev.embedded.server import DidNotStart
from dev.embedded.valkey import Valkey

FOLDER = "data of 'mine' " + "x" * 120  # longer than a socket's address may be


def test_postgres_finds_its_data_after_a_crash_on_the_same_port(tmp_path: Path) -> None:
    server = Postgres(tmp_path / FOLDER / "postgres", "se'cret", settings=["work_mem=5MB"])
    server.start()
    try:
        port = server.port
        with psycopg.connect(
            host="127.0.0.1", port=port, user="rollcall", password="se'cret", dbname="rollcall"
        ) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            assert connection.execute("SHOW work_mem").fetchone() == ("5MB",)
            connection.execute("CREATE TABLE kept (n int)")
        server.kill()
        lock = server.folder / "postmaster.pid"
        # the pid is another process by now
        lock.write_text(lock.read_text().replace(lock.read_text().split("\n")[0], "1", 1))
        server.start()
        assert server.port == port
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    finally:
        server.stop()


def test_postgres_lets_nobody_in_without_its_password(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", "secret", durable=False)
    server.start()
    try:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url().replace("secret", "guess"))
    finally:
        server.stop()


def test_valkey_finds_its_data_after_a_stop_and_asks_for_its_password(tmp_path: Path) -> None:
    server = Valkey(tmp_path / FOLDER / "valkey", "secret")
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            client.set("kept", "yes")
        server.stop()
        server.start()
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            assert client.get("kept") == "yes"
        with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    finally:
        server.stop()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = Valkey(tmp_path / "valkey", 'not a "password')
    with pytest.raises(DidNotStart, match="valkey did not start"):
        server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_postgres_refuses_a_folder_that_another_user_made(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    folder.mkdir()
    os.chown(folder, 4_000_123, 4_000_123)
    reason = r"postgres belongs to user 4000123, and PostgreSQL would run as nobody"
    with pytest.raises(DidNotStart, match=rf"^.*{reason}: .*DATA_DIR$"):
        Postgres(folder, "secret").start()
