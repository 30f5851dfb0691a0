"""The published files have all of the product, and nothing else."""

from pathlib import Path

import pytest

from dev.packing.client import FILES, ROOT, WITHOUT_IT
from tests.dev.packing.builds import CLOSED, Built, build, packed, product_files

pytestmark = pytest.mark.package

CLIENT = {f"realtime/console/{name}" for name in FILES.values()}


def test_the_wheel_holds_every_file_of_the_product_and_the_client(published: Built) -> None:
    assert packed(published.wheel) == product_files() | CLIENT


def test_the_constraints_lie_beside_it(published: Built) -> None:
    names = sorted(path.name for path in published.folder.iterdir())
    assert names == [
        "rollcall-0.1.0-constraints.txt",
        "rollcall-0.1.0-py3-none-any.whl",
        "rollcall-0.1.0.tar.gz",
    ]
    assert (published.folder / names[0]).read_text() == (ROOT / "constraints.txt").read_text()


def test_the_sdist_holds_what_a_build_needs_and_no_tests(sdist: Path) -> None:
    files = {str(path.relative_to(sdist)) for path in sdist.rglob("*") if path.is_file()}
    assert (
        product_files() | CLIENT | {"Procfile", "constraints.txt", "LICENSE", "README.md"} <= files
    )
    assert {name.partition("/")[0] for name in files if "/" in name} == {
        "models",
        "worker",
        "realtime",
        "dev",
        "rollcall.egg-info",
    }
    in_dev = {name.split("/")[1] for name in files if name.startswith("dev/")}
    assert in_dev == {"__init__.py", "packing"}


def test_a_wheel_from_the_sdist_needs_no_registry(
    sdist: Path, published: Built, tmp_path: Path
) -> None:
    again = build(sdist, tmp_path / "dist", "build", "--wheel", registry=CLOSED)
    assert packed(again.wheel) == packed(published.wheel)
    assert "rollcall: " not in again.output
    assert "nodejs" not in again.output


def test_without_the_registry_one_line_says_what_is_missing_and_all_else_is_there(
    without_registry: Built,
) -> None:
    assert packed(without_registry.wheel) == product_files()
    lines = [line for line in without_registry.output.splitlines() if "rollcall: " in line]
    assert lines == [WITHOUT_IT.format("connect ECONNREFUSED 127.0.0.1:9")]


def test_what_an_earlier_build_left_is_not_packed_again(
    checkout: Path, tmp_path: Path, published: Built
) -> None:
    stale = checkout / "build" / "lib" / "worker" / "long_gone.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    again = build(checkout, tmp_path / "dist", "build", "--wheel", registry=CLOSED)
    assert packed(again.wheel) == packed(published.wheel)
