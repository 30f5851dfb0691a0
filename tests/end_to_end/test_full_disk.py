"""`make run` on a disk that is full says so in one line, whatever fell over first."""

from pathlib import Path

import psycopg
import pytest

from tests.dev.mounts import on_tmpfs
from tests.end_to_end.make_run import MakeRun, make_run
from tests.end_to_end.waiting import wait_until

# Fills PostgreSQL's log of changes alone, which may not fail.
WRITE = "SELECT pg_logical_emit_message(false, 'filling', repeat('x', 1000000))"


@pytest.mark.parametrize(
    "megabytes", [0, 5, 30], ids=["for anything", "for the cluster", "for all of the cluster"]
)
def test_without_room_to_start_it_says_so(tmp_path: Path, megabytes: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    size = f"size={megabytes}m" if megabytes else "nr_inodes=1"
    with make_run(folder, command=on_tmpfs(folder, size, ["make", "run"])) as run:
        assert run.wait() != 0
    complaints = [line for line in run.output.splitlines() if str(folder) in line]
    assert len(complaints) == 1, run.output
    assert "no space left on" in complaints[0].lower()
    assert "initdb" not in run.output
    assert "Traceback" not in run.output


def test_when_it_gets_full_it_warns_and_then_says_why_it_ended(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with make_run(folder, command=on_tmpfs(folder, "size=260m", ["make", "run"])) as run:
        run.wait_until_ready()
        _write_until_it_ends(run, folder)
        assert run.wait() != 0
    lines = run.output.splitlines()
    assert len([line for line in lines if "is nearly full" in line]) == 1, run.output
    assert len([line for line in lines if f"no space left on the disk of {folder}" in line]) == 1, (
        run.output
    )
    assert "Traceback" not in run.output


def _write_until_it_ends(run: MakeRun, folder: Path) -> None:
    env_file = Path(f"/proc/{run.process.pid}/root{folder}/env")  # as the run sees its disk
    url = dict(line.split("=", 1) for line in env_file.read_text().splitlines())["DATABASE_URL"]

    def has_ended() -> bool:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                for _ in range(20):
                    connection.execute(WRITE)
        except psycopg.Error:
            pass  # it is in recovery, or no more
        return run.process.poll() is not None

    wait_until(has_ended, "make run has ended", seconds=120)
