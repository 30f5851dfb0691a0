"""The Socket.IO client that is served is the registry's own build, unchanged."""

import hashlib
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "realtime" / "dashboard"
NAME = "socket.io.esm.min.js"


def test_the_copy_is_the_one_that_the_readme_names() -> None:
    readme = (FOLDER / "README.md").read_text()
    assert hashlib.sha256((FOLDER / NAME).read_bytes()).hexdigest() in readme
    assert f"Socket.IO v{_version(readme)}" in (FOLDER / NAME).read_text()[:200]


@pytest.mark.node
def test_the_copy_equals_the_file_in_the_package(tmp_path: Path) -> None:
    version = _version((FOLDER / "README.md").read_text())
    subprocess.run(["npm", "pack", "--silent", f"socket.io-client@{version}"], cwd=tmp_path, check=True, timeout=120)
    with tarfile.open(tmp_path / f"socket.io-client-{version}.tgz") as package:
        for inside, here in ((f"package/dist/{NAME}", NAME), ("package/LICENSE", "socket.io.LICENSE")):
            member = package.extractfile(inside)
            assert member is not None
            assert member.read() == (FOLDER / here).read_bytes()


def _version(readme: str) -> str:
    found = re.search(r"`socket\.io-client` (\d+\.\d+\.\d+)", readme)
    assert found is not None
    return found[1]
