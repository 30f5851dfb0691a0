"""The file limit is raised as far as the system lets us; less is said at start."""

import resource

import pytest
from structlog.testing import capture_logs

from realtime.file_limit import RESERVED_FILES, raise_file_limit

pytestmark = pytest.mark.unit


class Limits:
    """The limits of a process that nobody shares."""

    RLIMIT_NOFILE, RLIM_INFINITY = resource.RLIMIT_NOFILE, resource.RLIM_INFINITY

    def __init__(self, soft: int, hard: int) -> None:
        self.now = (soft, hard)

    def getrlimit(self, _: int) -> tuple[int, int]:
        return self.now

    def setrlimit(self, _: int, limits: tuple[int, int]) -> None:
        assert limits[1] == self.now[1], "the hard limit cannot be taken back"
        self.now = limits


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "fitting"),
    [
        (1_024, 20_000, 10_000, 10_000),
        (1_024, Limits.RLIM_INFINITY, 10_000, 10_000),
        (Limits.RLIM_INFINITY, Limits.RLIM_INFINITY, 10_000, 10_000),
        (65_536, 65_536, 10_000, 10_000),
        (1_024, 4_096, 10_000, 4_096 - RESERVED_FILES),
        (64, 64, 10_000, 1),
    ],
)
def test_so_many_connections_fit(
    soft: int, hard: int, wanted: int, fitting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(soft, hard)
    monkeypatch.setattr("realtime.file_limit.resource", limits)
    with capture_logs() as logs:
        assert raise_file_limit(wanted) == fitting
    assert bool(logs) == (fitting < wanted)
    if soft != limits.RLIM_INFINITY and hard == limits.RLIM_INFINITY:
        assert limits.now[0] == wanted + RESERVED_FILES
