"""The runner writes down settings for others to join, and secrets for itself to find again."""

import stat
import subprocess
from pathlib import Path

from dev.run.private_files import kept_secret, write_env


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path / "secret")
    assert len(secret) == 64
    assert kept_secret(tmp_path / "secret") == secret
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_shell_reads_back_exactly_what_was_written(tmp_path: Path) -> None:
    nasty = "a b'c\"d$HOME`id`\\\n#e;f&g"
    write_env(tmp_path / "env", {"NASTY": nasty, "EMPTY": ""})
    assert stat.S_IMODE((tmp_path / "env").stat().st_mode) == 0o600
    read = subprocess.check_output(
        ["sh", "-c", 'set -a; . "$0"; env -0', str(tmp_path / "env")], env={}, text=True
    )
    assert f"NASTY={nasty}" in read.split("\0")
    assert "EMPTY=" in read.split("\0")
