"""docs/installing.md names every process, and the files as `make` makes them."""

from dev.packing.__main__ import constraints_name
from dev.run.parts import ROOT, procfile

MANUAL = (ROOT / "docs" / "installing.md").read_text()


def test_every_line_of_the_procfile_has_its_unit() -> None:
    for name, command in procfile().items():
        assert f"rollcall-{name}.service" in MANUAL
        assert f"/opt/rollcall/current/bin/{command}" in MANUAL


def test_the_files_are_called_as_they_are_made() -> None:
    wheel = "rollcall-0.1.0-py3-none-any.whl"
    assert f"`{wheel}`" in MANUAL
    assert f"`{constraints_name(wheel)}`" in MANUAL
