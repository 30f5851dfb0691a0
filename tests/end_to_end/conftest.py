"""Fixtures: processes of ours on this test's own database and Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import Stage, on_stage


@pytest.fixture
def stage(settings_env: dict[str, str], tmp_path: Path) -> Iterator[Stage]:
    with on_stage(settings_env, tmp_path) as stage:
        yield stage
