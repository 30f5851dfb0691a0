"""Without any abuse the healthy viewer gets everything in time: the measure itself holds."""

from tests.abuse.healthy import healthy_viewer
from tests.abuse.installation import Installation


def test_a_viewer_whom_nobody_disturbs_gets_every_message_in_time(
    installation: Installation,
) -> None:
    with healthy_viewer(installation) as viewer:
        viewer.go_on()
    assert len(viewer.waits.heard) > 50
