"""The PEP 517 backend: setuptools' own, with the dashboard's client fetched first.

Without npm's registry the package is built all the same, and one line says what it lacks.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from setuptools import build_meta

from dev.packing import node
from dev.packing.client import Client, fetch_if_missing

Config = Mapping[str, Any] | None

prepare_metadata_for_build_wheel = build_meta.prepare_metadata_for_build_wheel
prepare_metadata_for_build_editable = build_meta.prepare_metadata_for_build_editable


def get_requires_for_build_sdist(config_settings: Config = None) -> list[str]:
    return [*build_meta.get_requires_for_build_sdist(config_settings), *_for_the_client()]


def get_requires_for_build_wheel(config_settings: Config = None) -> list[str]:
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_for_the_client()]


def get_requires_for_build_editable(config_settings: Config = None) -> list[str]:
    return [*build_meta.get_requires_for_build_editable(config_settings), *_for_the_client()]


def build_sdist(sdist_directory: str, config_settings: Config = None) -> str:
    fetch_if_missing()
    return str(build_meta.build_sdist(sdist_directory, config_settings))


def build_wheel(
    wheel_directory: str, config_settings: Config = None, metadata_directory: str | None = None
) -> str:
    fetch_if_missing()
    with _fresh_build_folder():
        return str(build_meta.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_editable(
    wheel_directory: str, config_settings: Config = None, metadata_directory: str | None = None
) -> str:
    fetch_if_missing()
    with _fresh_build_folder():
        return str(build_meta.build_editable(wheel_directory, config_settings, metadata_directory))


def _for_the_client() -> list[str]:
    return [] if Client().is_there() else node.requirements()


@contextmanager
def _fresh_build_folder() -> Iterator[None]:
    """Have setuptools build in an empty folder: it packs whatever an earlier build left in build/,
    modules that are long gone included.
    """
    with tempfile.TemporaryDirectory(prefix="rollcall-build-") as folder:
        configuration = Path(folder) / "build.cfg"
        configuration.write_text(f"[build]\nbuild_base = {folder}/build\n")
        os.environ["DIST_EXTRA_CONFIG"] = str(configuration)
        try:
            yield
        finally:
            del os.environ["DIST_EXTRA_CONFIG"]
