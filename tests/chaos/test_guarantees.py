"""docs/guarantees.md names tests that exist."""

import re

import pytest

from dev.run.parts import ROOT

NAMED = re.findall(
    r"`(tests/[\w/]+\.py)::(test_\w+)`", (ROOT / "docs" / "guarantees.md").read_text()
)


def test_every_promise_is_followed_by_its_tests() -> None:
    promises = re.split(r"(?m)^\*\*\d\. ", (ROOT / "docs" / "guarantees.md").read_text())[1:]
    assert len(promises) == 9
    assert all("`tests/" in promise for promise in promises)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_named_test_exists(file: str, name: str) -> None:
    assert re.search(rf"(?m)^(async )?def {name}\(", (ROOT / file).read_text())
