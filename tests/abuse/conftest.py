"""Fixtures: one installation for all abuses, which come one after the other."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.abuse.installation import Installation, on_installation


@pytest.fixture(scope="package")
def installation() -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="rollcall-abuse-"))
    folder.chmod(0o755)  # the embedded servers run as nobody where we are root
    with on_installation(folder) as installation:
        yield installation
    shutil.rmtree(folder)
