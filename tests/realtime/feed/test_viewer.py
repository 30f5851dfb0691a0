"""What there is thousands of on a server stays small, and is gone when it ends."""

import gc
import weakref
from typing import Any

import pytest

from realtime.feed.filters import NO_FILTER, Hearing
from realtime.feed.follower import Follower
from realtime.feed.group import Group
from realtime.feed.messages import FeedMessage
from realtime.feed.tenant_feed import TenantFeed
from realtime.feed.viewer import Viewer
from realtime.tokens import Claims
from realtime.transport.burst import Burst
from realtime.transport.line import Inbox, Line


@pytest.mark.parametrize("kind", [Viewer, Follower, Group, FeedMessage, Burst, Line, Inbox])
def test_nothing_that_is_kept_for_each_viewer_has_a_dict(kind: type) -> None:
    assert not kind.__dictoffset__


def test_a_viewer_that_has_left_is_held_by_nothing() -> None:
    """What waits for it goes with it, and not when the collector happens to come by."""
    nothing: Any = None
    socket: Any = type("Connection", (), {})()
    claims = Claims("bob", 1, None, "viewer", frozenset(), 2e9)
    viewer = Viewer("sid", "pid", socket, claims, Hearing(None, NO_FILTER), NO_FILTER, 10, 1_000)
    follower = Follower(viewer, TenantFeed(1, nothing), nothing)
    connection = weakref.ref(socket)
    gc.disable()
    try:
        follower.close()
        del socket, viewer, follower
        assert connection() is None
    finally:
        gc.enable()
