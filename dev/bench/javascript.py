"""The packages of what runs under Node (node/), installed when they are first needed."""

import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "node"


def install() -> None:
    """Install what the lock file names, unless it is there. Raises FileNotFoundError without Node,
    CalledProcessError with npm's words.
    """
    if shutil.which("node") is None:
        raise FileNotFoundError(
            "node is not installed; leave out what needs it: "
            "--without node, and --only without end_to_end"
        )
    if not (FOLDER / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=FOLDER, check=True)
