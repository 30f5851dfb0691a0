"""Fixtures: the package is built once, and used by several tests."""

import tarfile
from pathlib import Path

import pytest

from tests.dev.packing.builds import CLOSED, Built, build, clone


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def published(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The folder that `make dist` makes."""
    return build(checkout, tmp_path_factory.mktemp("published") / "dist", "dev.packing")


@pytest.fixture(scope="session")
def sdist(published: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(next(published.folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


@pytest.fixture(scope="session")
def without_registry(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A wheel from a fresh clone, built where nobody answers for npm's registry."""
    source = clone(tmp_path_factory.mktemp("offline"))
    return build(
        source, tmp_path_factory.mktemp("incomplete") / "dist", "build", "--wheel", registry=CLOSED
    )
