"""How many bytes of bodies the server holds at a time: in all, of a tenant and of a credential."""

from collections import Counter
from collections.abc import Hashable
from typing import NamedTuple

from models.ids import Id
from realtime.errors import ClientError

MEBIBYTE = 1024 * 1024
MOST_IN_ALL = 192 * MEBIBYTE
# A quarter: one tenant, or three, keep nobody else from sending.
MOST_OF_TENANT = 48 * MEBIBYTE
# Two of the largest bodies.
MOST_OF_CREDENTIAL = 32 * MEBIBYTE


class Holder(NamedTuple):
    """Whose body it is: `sub` is that of the token it came with."""

    tenant_id: Id
    sub: str


class InFlight:
    """The bytes that are held now."""

    def __init__(self) -> None:
        self._held: Counter[Hashable] = Counter()

    def hold(self, holder: Holder, count: int) -> None:
        """Hold so many bytes more.

        Raises ClientError: `rate_limited` where that is too much for the holder or its tenant,
        `unavailable` where it is too much in all. Then none of them is held.
        """
        held = self._held
        if held[holder] + count > MOST_OF_CREDENTIAL or (
            held[holder.tenant_id] + count > MOST_OF_TENANT
        ):
            raise ClientError(
                "rate_limited", "Too much is being sent at once. Wait for an answer, then send on."
            )
        if held[None] + count > MOST_IN_ALL:
            raise ClientError("unavailable", "Too much is being sent to the server. Try again.")
        self._add(holder, count)

    def release(self, holder: Holder, count: int) -> None:
        """Hold so many bytes no longer."""
        self._add(holder, -count)

    def _add(self, holder: Holder, count: int) -> None:
        for key in (holder, holder.tenant_id, None):
            self._held[key] += count
            if not self._held[key]:
                del self._held[key]
