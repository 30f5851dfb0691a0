"""Makes what is published: `python -m dev.packing` puts into dist/ the sdist, the wheel built from
it, and the constraints they were tested with.
"""

import argparse
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from dev.packing.client import FILES, ROOT


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.packing", description=__doc__)
    parser.add_argument("--outdir", type=Path, default=ROOT / "dist")
    folder = parser.parse_args().outdir
    shutil.rmtree(folder, ignore_errors=True)
    built = subprocess.run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)])
    if built.returncode:
        return built.returncode
    wheel = next(folder.glob("*.whl"))
    shutil.copy(ROOT / "constraints.txt", folder / constraints_name(wheel.name))
    return _complain(wheel)


def constraints_name(wheel: str) -> str:
    name, version, _ = wheel.split("-", 2)
    return f"{name}-{version}-constraints.txt"


def _complain(wheel: Path) -> int:
    """Complain of a wheel without the dashboard's client, which works, but must not be published.
    Returns the status to exit with.
    """
    with zipfile.ZipFile(wheel) as archive:
        missing = {f"realtime/console/{name}" for name in FILES.values()} - set(archive.namelist())
    for name in sorted(missing):
        print(f"rollcall: {wheel.name} lacks {name} and must not be published", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
