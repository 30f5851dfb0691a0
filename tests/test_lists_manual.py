"""The manuals name the filters of every list of the REST API, and no others."""

import re
from pathlib import Path

import pytest

from realtime.http.endpoint import Endpoint
from realtime.http.listing import PAGING
from realtime.http.routes import ENDPOINTS

DOCS = Path(__file__).parent.parent / "docs"
MANUALS = "\n".join((DOCS / name).read_text() for name in ("viewing.md", "desk.md"))
LISTS = [
    endpoint
    for endpoint in ENDPOINTS
    if any(answer.is_list for answer in endpoint.answers.values())
]


def test_there_are_lists() -> None:
    assert len(LISTS) >= 5


@pytest.mark.parametrize("endpoint", LISTS, ids=lambda endpoint: endpoint.path)
def test_the_manual_names_the_filters_of_a_list_and_no_others(endpoint: Endpoint) -> None:
    pattern = rf"`GET {endpoint.path}`.*?Filters: (.*?)(?:[.;]| \|)"
    filters = re.search(pattern, _plain(MANUALS), re.DOTALL)
    assert filters, f"no manual tells the filters of {endpoint.path}"
    assert set(re.findall(r"`(\w+)`", filters[1])) == set(endpoint.query) - set(PAGING)


def _plain(text: str) -> str:
    """Return the text without what stands in brackets."""
    return re.sub(r"\([^)]*\)", "", text)
