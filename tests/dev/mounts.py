"""Disks of a size and kind that a test needs: a tmpfs that only the process started on it sees."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest


def mounted(folder: Path, options: str, command: list[str], **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `command` with a tmpfs of these mount options on `folder`. What is on it is gone in the end."""
    return subprocess.run(on_tmpfs(folder, options, command), env=os.environ | environ, capture_output=True, text=True)


def on_tmpfs(folder: Path, options: str, command: list[str]) -> list[str]:
    """The command that does so. Where this machine lets nobody mount, the test is skipped, and fails in CI."""
    _must_be_able_to_mount()
    mount = f"mount -t tmpfs -o {shlex.quote(options)} tmpfs {shlex.quote(str(folder))}"
    return ["unshare", "--mount", "sh", "-c", f"{mount} && exec {shlex.join(command)}"]


def _must_be_able_to_mount() -> None:
    tried = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True)
    if tried.returncode:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(f"only who may mount, as root, can try a full disk: {tried.stderr.strip()}")
