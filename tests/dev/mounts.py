"""Mounts disks of a size and kind that a test needs; only the process started on one sees it."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest


def on_tmpfs(folder: Path, options: str, command: list[str]) -> list[str]:
    """The command that runs `command` with an empty disk of these mount options on `folder`. The
    disk is gone in the end.
    """
    return _mounted(f"mount -t tmpfs -o {options} tmpfs {shlex.quote(str(folder))}", command)


def on_read_only(folder: Path, command: list[str]) -> list[str]:
    """The command that runs `command` where nothing in `folder` can be written."""
    quoted = shlex.quote(str(folder))
    return _mounted(f"mount --bind {quoted} {quoted} && mount -o remount,bind,ro {quoted}", command)


def _mounted(mount: str, command: list[str]) -> list[str]:
    """The command that mounts, then runs `command`. Where this machine lets nobody mount, the test
    is skipped; in CI it fails.
    """
    attempt = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        text=True,
    )
    if attempt.returncode:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(
            f"to fill a disk, one must be allowed to mount, as root is: {attempt.stderr.strip()}"
        )
    return ["unshare", "--mount", "sh", "-c", f"{mount} && exec {shlex.join(command)}"]
