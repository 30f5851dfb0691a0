"""Which tests are unit tests depends on what they need, not on where the checkout is."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest


class Item(SimpleNamespace):
    """A test in a checkout below a folder that is called as one of ours."""

    def __init__(self, name: str, *marks: str, **fields: Any) -> None:
        super().__init__(path=conftest.TESTS / name, marks=list(marks), **fields)

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None

    def add_marker(self, name: str) -> None:
        self.marks.append(name)


@pytest.mark.parametrize(
    ("item", "is_unit"),
    [
        (("models/test_policy.py",), True),
        (("dev/run/test_guard.py",), False),
        (("models/test_misspelt.py", "process"), False),
    ],
)
def test_a_unit_test_is_one_wherever_the_checkout_lies(
    item: tuple[str, ...], is_unit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "TESTS", Path("/srv/run/browser/rollcall/tests"))
    collected: Any = Item(*item)
    conftest.pytest_collection_modifyitems([collected])
    assert ("unit" in collected.marks) == is_unit


def test_what_starts_processes_is_begun_first() -> None:
    names = [
        "models/test_policy.py",
        "worker/test_process.py",
        "chaos/test_short.py",
        "worker/test_x.py",
    ]
    items: list[Any] = [Item(name) for name in names]
    items[1].add_marker("process")
    conftest.pytest_collection_modifyitems(items)
    begun = [str(item.path.relative_to(conftest.TESTS)) for item in items]
    assert begun == [names[1], names[2], names[0], names[3]]


def test_what_processes_compile_is_kept_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    conftest.pytest_configure()
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ
    assert not sys.dont_write_bytecode
