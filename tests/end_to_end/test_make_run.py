"""`make run` comes up whole, refuses a second one, and leaves nothing behind, however it ends."""

import os
import stat
import subprocess
import urllib.request
from pathlib import Path

import psycopg
import pytest

from dev.embedded.launched import user_id
from dev.run.parts import ROOT, procfile
from tests.end_to_end.checkout import private_checkout
from tests.end_to_end.make_run import make_run
from tests.end_to_end.waiting import wait_until


def test_it_is_whole_joined_by_others_and_refuses_a_second_one(tmp_path: Path) -> None:
    # no shell and no socket address may trip over it
    folder = tmp_path / "data of 'mine'" / ("x" * 120)
    with make_run(folder) as run:
        run.wait_until_ready()
        assert run.answers()
        assert f"http://localhost:{run.port}/#token=" in run.output
        assert stat.S_IMODE(run.env_file.stat().st_mode) == 0o600
        settings = run.settings()
        pinged = _joined(settings, "celery", "-A", "worker", "inspect", "ping")
        assert "pong" in pinged
        for metrics, name in (
            ("METRICS_URL", "rollcall_viewers"),
            ("WORKER_METRICS_URL", "rollcall_tasks_total"),
        ):
            with urllib.request.urlopen(settings[metrics], timeout=10) as answer:
                assert name in answer.read().decode()
        # which another that joins would find taken
        assert not {"METRICS_PORT", "WORKER_METRICS_PORT"} & settings.keys()
        assert not run.answers("/metrics")
        for name in procfile():
            assert (folder / f"{name}.log").exists()

        second = subprocess.run(
            ["make", "run"], cwd=ROOT, env=_joining(settings), capture_output=True, text=True
        )
        assert second.returncode == 2
        assert f"already running on {folder}" in second.stderr

        elsewhere = _joining(settings) | {"DATA_DIR": str(tmp_path / "other")}
        third = subprocess.run(
            ["make", "run"], cwd=ROOT, env=elsewhere, capture_output=True, text=True
        )
        assert third.returncode == 2
        assert f"PORT={run.port}" in third.stderr
        assert f"FLOWER_PORT={settings['FLOWER_PORT']}" in third.stderr
        assert run.answers()

        run.press_ctrl_c()
        run.wait()
        assert run.processes() == []
        assert not run.env_file.exists()


def test_it_runs_in_a_checkout_that_only_its_owner_may_enter(tmp_path: Path) -> None:
    checkout = private_checkout(tmp_path / "Wäch ter 0700")
    folder = checkout / ".data"
    start = ["env", "-u", "HOME", "-u", "LC_ALL", "LANG=C", "make", "run"]
    with make_run(folder, checkout=checkout, command=start) as run:
        run.wait_until_ready()
        settings = run.settings()
        assert psycopg.connect(settings["DATABASE_URL"]).execute(
            "SELECT count(*) FROM tenant"
        ).fetchone() == (0,)
        assert run.part("bin/postgres").uids().real == user_id()
        assert Path(run.part("realtime").cwd()) == checkout
        run.press_ctrl_c()
        run.wait()
        assert run.processes() == []


def test_a_restart_finds_the_data_even_after_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with make_run(folder) as first:
        settings = first.wait_until_ready().settings()
        _write(settings, "acme")
        first.kill_all()
        first.wait()
    with make_run(folder) as second:
        settings_again = second.wait_until_ready().settings()
        assert settings_again["JWT_SECRET"] == settings["JWT_SECRET"]
        with psycopg.connect(settings_again["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT name FROM tenant").fetchall() == [("acme",)]


@pytest.mark.parametrize("outer", [True, False])
def test_a_killed_runner_leaves_nothing_behind(tmp_path: Path, outer: bool) -> None:
    with make_run(tmp_path / "data") as run:
        run.wait_until_ready()
        run.runner(outer=outer).kill()
        run.wait()
        wait_until(lambda: not run.processes(), "nothing is left")


@pytest.mark.parametrize("part", ["worker worker", "bin/postgres"])
def test_a_crash_of_any_part_ends_all_and_is_named(tmp_path: Path, part: str) -> None:
    with make_run(tmp_path / "data") as run:
        run.wait_until_ready()
        run.part(part).kill()
        assert run.wait() != 0
        assert run.processes() == []
        assert "was ended by signal 9" in run.output


def test_a_busy_port_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with make_run(tmp_path / "data", FLOWER_PORT="1", PORT="1") as run:
        assert run.wait() == 2
    assert "PORT and FLOWER_PORT are the same port" in run.output
    assert not (tmp_path / "data" / "postgres").exists()


def test_every_bad_setting_is_named_at_once(tmp_path: Path) -> None:
    with make_run(tmp_path / "data", PORT="8000", LOG_LEVEL="LOUD", JWT_SECRET="short") as run:
        assert run.wait() == 2
    assert "LOG_LEVEL" in run.output
    assert "JWT_SECRET" in run.output
    assert not (tmp_path / "data" / "postgres").exists()


def _joined(settings: dict[str, str], *command: str) -> str:
    return subprocess.check_output(command, cwd=ROOT, env=_joining(settings), text=True)


def _joining(settings: dict[str, str]) -> dict[str, str]:
    return {
        "PATH": f"{ROOT}/.venv/bin{os.pathsep}{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
    } | settings


def _write(settings: dict[str, str], name: str) -> None:
    with psycopg.connect(settings["DATABASE_URL"]) as connection:
        connection.execute(
            "INSERT INTO tenant (tenant_id, name, epoch) VALUES (1, %s, 'e')", [name]
        )
