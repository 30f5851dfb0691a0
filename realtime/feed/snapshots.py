"""Snapshots, made once for all viewers that hear the same and come at nearly the same time."""

import asyncio
from typing import NamedTuple, cast

import orjson

from models.offsets import Offset
from models.schemas.payloads import FilterObject, SnapshotPayload, body_text
from realtime.feed.filters import Hearing
from realtime.feed.open_alerts import count_open_alerts
from realtime.feed.reader import FeedReader
from realtime.feed.tenant_feed import TenantFeed
from realtime.transport.burst import Burst
from realtime.transport.encoded_packet import EncodedPacket, event_text

# A snapshot is shared for so long, unless something is said meanwhile.
SHARED_SECONDS = 0.5
# A larger one is shared only by those that wait for it already.
SHARED_BYTES = 65_536

# A feed's generation, its epoch and head, how many messages are shown, and to whom.
Key = tuple[object, str, int, int, Hearing]


class Snapshot(NamedTuple):
    """The packet of a snapshot at `position`. `epoch` is what Postgres had when it was made."""

    epoch: str
    position: int
    burst: Burst


class Snapshots:
    def __init__(self, reader: FeedReader) -> None:
        self._reader = reader
        self._made: dict[Key, asyncio.Task[Snapshot]] = {}

    async def of(self, feed: TenantFeed, history: int, hearing: Hearing) -> Snapshot:
        """Return the snapshot of the feed as it stands here. Raises what Postgres raised."""
        key = (feed.generation, feed.epoch, feed.head, history, hearing)
        making = self._made.get(key)
        if making is None:
            making = self._made[key] = asyncio.create_task(self._make(feed, history, hearing))
            making.add_done_callback(lambda made: self._keep(key, made))
        return await asyncio.shield(making)

    def _keep(self, key: Key, made: asyncio.Task[Snapshot]) -> None:
        failed = made.cancelled() or made.exception()
        snapshot = None if failed else made.result()
        if (
            snapshot is None
            or snapshot.epoch != key[1]
            or len(snapshot.burst.frames) > SHARED_BYTES
        ):
            del self._made[key]
        else:
            asyncio.get_running_loop().call_later(SHARED_SECONDS, self._made.pop, key)

    async def _make(self, feed: TenantFeed, history: int, hearing: Hearing) -> Snapshot:
        epoch, position, mark = feed.epoch, feed.head, feed.head_mark()
        page = await self._reader.page(
            feed.tenant_id,
            0,
            position,
            history,
            hearing,
            newest_first=True,
        )
        counts = await count_open_alerts(self._reader, feed.tenant_id, position, hearing)
        payload = SnapshotPayload(
            tenant_id=feed.tenant_id,
            position=position,
            recent=[orjson.Fragment(message.payload) for message in page.messages],
            open_alerts=counts,
            filter=cast(FilterObject, hearing.filter.as_object()),
        )
        text = event_text("snapshot", body_text(payload), str(Offset(epoch, position, mark)))
        return Snapshot(page.epoch, position, Burst([EncodedPacket(text)]))
