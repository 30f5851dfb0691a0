"""How the embedded servers are launched: without root's identity, which PostgreSQL refuses, and never outliving who started them."""

import os
import pwd
import shutil
import signal
import stat
from pathlib import Path

USER = "nobody"


def is_needed() -> bool:
    return os.geteuid() == 0


def own(path: Path) -> None:
    """Give `path` to the user that the server will run as."""
    if is_needed():
        account = pwd.getpwnam(USER)
        os.chown(path, account.pw_uid, account.pw_gid)


def lowered(command: list[str], *paths: Path) -> list[str]:
    """As root, the command that runs `command` as `nobody`; `paths` are what it has to reach. Nothing is changed on the machine for it.

    Below a closed folder, such as a checkout in /root, it keeps the one capability that passes through.
    """
    if not is_needed():
        return command
    account = pwd.getpwnam(USER)
    passage = [] if all(map(_reachable, paths)) else ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *passage, "--", *command]


def _reachable(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def ends_with_parent(command: list[str], how: signal.Signals) -> list[str]:
    """The command that gets the signal `how` when the thread that started it is no more. Linux only; elsewhere just the command."""
    if shutil.which("setpriv") is None:
        return command
    return ["setpriv", f"--pdeathsig={how.name.removeprefix('SIG')}", "--", *command]
