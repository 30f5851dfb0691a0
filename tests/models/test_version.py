"""One version, that of setup.cfg, and one revision, that of the last migration."""

import importlib.metadata
from collections.abc import Iterator
from configparser import ConfigParser

import pytest
from alembic.script import ScriptDirectory
from prometheus_client import CollectorRegistry, generate_latest

from dev.run.parts import ROOT
from models.build_info import BuildInfo
from models.migrations.revision import newest_revision
from models.version import NOT_INSTALLED, rollcall_version


@pytest.fixture
def _forgotten() -> Iterator[None]:
    rollcall_version.cache_clear()
    yield
    rollcall_version.cache_clear()


def test_the_version_is_that_of_setup_cfg() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert rollcall_version() == setup["metadata"]["version"]


@pytest.mark.usefixtures("_forgotten")
def test_what_is_not_installed_makes_no_version_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setattr("sys.meta_path", [importlib.metadata.MetadataPathFinder])
    assert rollcall_version() == NOT_INSTALLED == "unknown"


def test_the_newest_revision_is_alembics_head() -> None:
    scripts = ScriptDirectory(str(ROOT / "models" / "migrations"))
    assert scripts.get_heads() == [newest_revision()]


def test_a_metric_tells_both() -> None:
    registry = CollectorRegistry()
    registry.register(BuildInfo())
    labels = {"version": rollcall_version(), "revision": newest_revision()}
    assert registry.get_sample_value("rollcall_build_info", labels) == 1
    assert generate_latest(registry).count(b"rollcall_build_info{") == 1
