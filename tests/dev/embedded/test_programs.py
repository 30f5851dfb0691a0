"""PostgreSQL's programs run from a folder where their user can reach them, and where nobody else
can replace them.
"""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dev.embedded import launched, programs, safe_folder
from dev.embedded.server import DidNotStart
from tests.dev.mounts import on_tmpfs

as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="an ordinary user's programs are run where they are"
)
HOLD = """
import os
from dev.embedded.programs import reachable_programs
with reachable_programs() as folder:
    print(folder, flush=True)
    os.kill(os.getpid(), 9) if {killed} else None
"""


@as_root
def test_everybody_may_run_roots_copy_and_nobody_else_may_change_it() -> None:
    with programs.reachable_programs() as folder:
        copy = folder.parents[2]
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (copy, *copy.rglob("*"))}
        assert modes == {0o755, 0o644}
        assert {path.stat().st_uid for path in copy.rglob("*")} == {0}
    assert not copy.exists()


@as_root
def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not() -> None:
    killed = subprocess.run(
        [sys.executable, "-c", HOLD.format(killed=True)], capture_output=True, text=True
    )
    left_behind = Path(killed.stdout.strip())
    assert left_behind.exists()
    with programs.reachable_programs() as in_use:
        assert not left_behind.exists()
        subprocess.run([sys.executable, "-c", HOLD.format(killed=False)], check=True)
        assert in_use.exists()


def test_nothing_of_others_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    link = tmp_path / f"{safe_folder.PREFIX}link"
    link.symlink_to(target)
    writable = tmp_path / f"{safe_folder.PREFIX}writable"
    writable.mkdir()
    writable.chmod(0o777)
    file = tmp_path / f"{safe_folder.PREFIX}file"
    file.touch()
    ours = tmp_path / f"{safe_folder.PREFIX}ours"
    ours.mkdir()
    safe_folder.remove_left_behind(tmp_path)
    assert set(tmp_path.iterdir()) == {target, link, writable, file}


def test_a_folder_from_which_others_may_take_things_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert tmp_path not in safe_folder.parents()
    tmp_path.chmod(0o1777)
    assert tmp_path in safe_folder.parents()


@as_root
def test_where_programs_may_not_run_the_next_folder_is_taken(tmp_path: Path) -> None:
    code = "\n".join(
        [
            "from dev.embedded.programs import reachable_programs",
            "with reachable_programs() as folder:",
            "    print(folder)",
        ]
    )
    command = on_tmpfs(tmp_path, "size=90m,noexec", [sys.executable, "-c", code])
    run = subprocess.run(
        command, env=os.environ | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(("/tmp/", "/var/tmp/"))  # noqa: S108
    assert not run.stdout.startswith(str(tmp_path))


def test_without_any_such_folder_it_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "runs_as_root", lambda: True)
    monkeypatch.setattr(programs, "parents", list)
    with (
        pytest.raises(DidNotStart, match=r"^PostgreSQL needs a temporary folder .* TMPDIR.*$"),
        programs.reachable_programs(),
    ):
        pass


def test_what_is_missing_on_the_machine_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launched, "runs_as_root", lambda: True)
    monkeypatch.setattr(launched, "USER", "nobody-of-this-name")
    with pytest.raises(
        DidNotStart,
        match=r"^PostgreSQL needs a name for the user nobody-of-this-name .*DATABASE_URL.*$",
    ):
        programs.reachable_programs().__enter__()
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(DidNotStart, match=r"^PostgreSQL needs setpriv .*DATABASE_URL.*$"):
        programs.reachable_programs().__enter__()


def test_a_user_without_a_name_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launched, "runs_as_root", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_123)
    with pytest.raises(
        DidNotStart, match=r"^PostgreSQL needs a name for user 4000000123 in /etc/passwd.*$"
    ):
        programs.reachable_programs().__enter__()
