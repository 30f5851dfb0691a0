"""Launching the embedded servers: PostgreSQL without root's identity, which it refuses, and each so
that it never outlives the process that started it.
"""

import os
import pwd
import shutil
import signal
from pathlib import Path

USER = "nobody"
# The folder that a process works in, by a name that leads there without passing through the folders
# above it, which may be closed to `nobody`. Where there is no such name (not on Linux), the process
# runs as the user who made the folder.
WORKING_FOLDER = "/proc/self/cwd" if Path("/proc/self/cwd").exists() else "."


def runs_as_root() -> bool:
    return os.geteuid() == 0


def what_is_missing() -> str | None:
    """Name what this machine lacks to start PostgreSQL as a user that it accepts; None where it
    lacks nothing.
    """
    if runs_as_root() and shutil.which("setpriv") is None:
        return f"setpriv (of util-linux), to run it as {USER}: it refuses to run as root"
    try:
        pwd.getpwnam(USER) if runs_as_root() else pwd.getpwuid(os.geteuid())
    except KeyError:
        user = f"the user {USER}" if runs_as_root() else f"user {os.geteuid()}"
        return f"a name for {user} in /etc/passwd"
    return None


def user_id() -> int:
    """The id of the user that the server will run as."""
    return pwd.getpwnam(USER).pw_uid if runs_as_root() else os.geteuid()


def give_to_server_user(path: Path | int) -> None:
    """Give a path, or an open file, to the user that the server will run as."""
    if runs_as_root():
        account = pwd.getpwnam(USER)
        os.chown(path, account.pw_uid, account.pw_gid)


def without_root(command: list[str]) -> list[str]:
    """For root, the command that runs `command` as `nobody`, without any capability; for others,
    `command` itself.
    """
    if not runs_as_root():
        return command
    account = pwd.getpwnam(USER)
    return [
        "setpriv",
        f"--reuid={account.pw_uid}",
        f"--regid={account.pw_gid}",
        "--clear-groups",
        "--",
        *command,
    ]


def ends_with_parent(command: list[str], end: signal.Signals) -> list[str]:
    """The command that runs `command` and has it get the signal `end` when the thread that started
    it is no more. Linux only; elsewhere, `command` itself.
    """
    if shutil.which("setpriv") is None:
        return command
    return ["setpriv", f"--pdeathsig={end.name.removeprefix('SIG')}", "--", *command]
