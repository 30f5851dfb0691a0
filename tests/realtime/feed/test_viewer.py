"""What there is thousands of on a server stays small."""

import pytest

from realtime.feed.follower import Follower
from realtime.feed.group import Group
from realtime.feed.messages import Said
from realtime.feed.viewer import Viewer
from realtime.transport.burst import Burst
from realtime.transport.line import Inbox, Line


@pytest.mark.parametrize("kind", [Viewer, Follower, Group, Said, Burst, Line, Inbox])
def test_nothing_that_is_kept_for_each_viewer_has_a_dict(kind: type) -> None:
    assert not kind.__dictoffset__
