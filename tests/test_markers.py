"""Which tests are unit tests is said by what they are, not by where the checkout lies."""

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
def test_a_unit_test_is_one_wherever_the_checkout_lies(item: tuple[str, ...], is_unit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "TESTS", Path("/srv/run/browser/rollcall/tests"))
    collected: Any = Item(*item)
    conftest.pytest_collection_modifyitems([collected])
    assert ("unit" in collected.marks) == is_unit
