"""Who hears a message: the rooms of one tenant, and in them its viewers, grouped by what they hear.

These are the contract's rooms, but not the library's: nobody can be reached through the Redis
manager past the feed and its positions, whatever is published there.
"""

from collections.abc import Iterable, Iterator, Sequence

from models.rooms import rooms_of_message, rooms_of_viewer
from realtime.feed.filters import Hearing
from realtime.feed.group import Group
from realtime.feed.messages import Said
from realtime.feed.viewer import Viewer


class Audience:
    """`_rooms` holds the groups in each room that has any.

    A group is in the rooms of the sites it hears, a filter of sites narrowing them, and never in
    two that one message goes to.
    """

    def __init__(self, tenant_id: int) -> None:
        self._tenant_id = tenant_id
        self._groups: dict[Hearing, Group[Viewer]] = {}
        self._rooms: dict[str, dict[Hearing, Group[Viewer]]] = {}

    def add(self, viewer: Viewer) -> None:
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

    def hearers(self, messages: Sequence[Said]) -> Iterable[tuple[Group[Viewer], list[Said]]]:
        """Each group that hears any of the messages, with those it hears, in their order."""
        heard: dict[Hearing, tuple[Group[Viewer], list[Said]]] = {}
        for said in messages:
            for room in rooms_of_message(self._tenant_id, said.site_id):
                for hearing, group in self._rooms.get(room, {}).items():
                    if hearing.filter.passes(said.anomaly_type, said.severity, said.prior_severity):
                        heard.setdefault(hearing, (group, []))[1].append(said)
        return heard.values()

    def __iter__(self) -> Iterator[Viewer]:
        return (viewer for group in self._groups.values() for viewer in group.members)
