"""The manuals name the filters of every list of the REST API, and no others."""

import re
from pathlib import Path

import pytest

from realtime.http.endpoint import Endpoint
from realtime.http.listing import PAGING
from realtime.http.routes import ENDPOINTS

DOCS = Path(__file__).parent.parent / "docs"
MANUALS = "\n".join((DOCS / name).read_text() for name in ("viewing.md", "desk.md"))
LISTS = [each for each in ENDPOINTS if any(answer.is_list for answer in each.answers.values())]


def test_there_are_lists() -> None:
    assert len(LISTS) >= 5


@pytest.mark.parametrize("each", LISTS, ids=lambda each: each.path)
def test_the_manual_names_the_filters_of_a_list_and_no_others(each: Endpoint) -> None:
    told = rf"`GET {each.path}`.*?Filters: (.*?)(?:[.;]| \|)"
    found = re.search(told, _plain(MANUALS), re.DOTALL)
    assert found, f"no manual tells the filters of {each.path}"
    assert set(re.findall(r"`(\w+)`", found[1])) == set(each.query) - set(PAGING)


def _plain(text: str) -> str:
    """Return the text without what stands in brackets."""
    return re.sub(r"\([^)]*\)", "", text)
