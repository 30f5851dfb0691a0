"""Who hears a message: the rooms of one tenant, and in them its viewers, grouped by what they hear.

These are the contract's rooms, but not the library's: nobody can be reached through the Redis
manager past the feed and its positions, whatever is published there.
"""

from collections.abc import Iterable, Iterator, Sequence

from models.ids import Id
from models.rooms import rooms_of_message, rooms_of_viewer
from realtime.feed.filters import Hearing
from realtime.feed.group import Group
from realtime.feed.messages import FeedMessage
from realtime.feed.viewer import Viewer


class Audience:
    """The viewers of one tenant that stand at the head of its feed, by group and by room.

    A group is in the rooms of the sites it hears, as its filter narrows them, and never in two that
    one message goes to. `_rooms` has only rooms with a group in them.
    """

    def __init__(self, tenant_id: Id) -> None:
        self._tenant_id = tenant_id
        self._groups: dict[Hearing, Group[Viewer]] = {}
        self._rooms: dict[str, dict[Hearing, Group[Viewer]]] = {}

    def add(self, viewer: Viewer) -> None:
        """Put the viewer into the group of those that hear the same."""
        hearing = viewer.hearing
        group = self._groups.get(hearing)
        if group is None:
            group = Group(hearing, rooms_of_viewer(self._tenant_id, hearing.sites()))
            self._groups[hearing] = group
            for room in group.rooms:
                self._rooms.setdefault(room, {})[hearing] = group
        group.members.add(viewer)
        viewer.group = group

    def remove(self, viewer: Viewer) -> None:
        """Take the viewer out of its group, if it is in one."""
        group, viewer.group = viewer.group, None
        if group is None:
            return
        group.members.discard(viewer)
        if not group.members:
            del self._groups[group.hearing]
            for room in group.rooms:
                del self._rooms[room][group.hearing]
                if not self._rooms[room]:
                    del self._rooms[room]

    def hearers(
        self, messages: Sequence[FeedMessage]
    ) -> Iterable[tuple[Group[Viewer], list[FeedMessage]]]:
        """Return each group that hears any of the messages, with those it hears, in their order."""
        heard: dict[Hearing, tuple[Group[Viewer], list[FeedMessage]]] = {}
        for message in messages:
            for room in rooms_of_message(self._tenant_id, message.site_id):
                for hearing, group in self._rooms.get(room, {}).items():
                    if hearing.filter.passes(
                        message.anomaly_type, message.severity, message.prior_severity
                    ):
                        heard.setdefault(hearing, (group, []))[1].append(message)
        return heard.values()

    def __iter__(self) -> Iterator[Viewer]:
        return (viewer for group in self._groups.values() for viewer in group.members)
