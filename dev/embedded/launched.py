"""How the embedded servers are launched: without root's identity, which PostgreSQL refuses, and
never outliving who started them.
"""

import os
import pwd
import shutil
import signal
from pathlib import Path

USER = "nobody"
# The folder that a process works in, by a name that leads there without passing through the folders
# above it, which may be closed to `nobody`. Where there is no such name, the process is of the user
# who made the folder.
HERE = "/proc/self/cwd" if Path("/proc/self/cwd").exists() else "."


def is_needed() -> bool:
    return os.geteuid() == 0


def what_is_missing() -> str | None:
    """What it takes to start PostgreSQL as a user that it accepts, and is not on this machine."""
    if is_needed() and shutil.which("setpriv") is None:
        return f"setpriv (of util-linux), to run it as {USER}: it refuses to run as root"
    try:
        pwd.getpwnam(USER) if is_needed() else pwd.getpwuid(os.geteuid())
    except KeyError:
        return f"a name for {f'the user {USER}' if is_needed() else f'user {os.geteuid()}'} in /etc/passwd"
    return None


def user_id() -> int:
    """Of the user that the server will run as."""
    return pwd.getpwnam(USER).pw_uid if is_needed() else os.geteuid()


def own(path: Path | int) -> None:
    """Give a path, or an open file, to the user that the server will run as."""
    if is_needed():
        account = pwd.getpwnam(USER)
        os.chown(path, account.pw_uid, account.pw_gid)


def lowered(command: list[str]) -> list[str]:
    """As root, the command that runs `command` as `nobody`, who is left no capability of root's."""
    if not is_needed():
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


def ends_with_parent(command: list[str], how: signal.Signals) -> list[str]:
    """The command that gets the signal `how` when the thread that started it is no more. Linux
    only; elsewhere just the command.
    """
    if shutil.which("setpriv") is None:
        return command
    return ["setpriv", f"--pdeathsig={how.name.removeprefix('SIG')}", "--", *command]
