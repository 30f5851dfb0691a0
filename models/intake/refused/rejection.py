"""What is refused: as it came, under whatever ids could be made out, with the reasons."""

from typing import NamedTuple

from models.ids import LARGEST_ID
from models.intake.content import as_text, digest
from models.intake.refused.reasons import Reason, reason

TENANT_UNKNOWN = reason(
    "unknown_tenant",
    "tenant_id",
    "is not known; bring it with roster.sync, and this is taken up again by itself",
)
SITE_UNKNOWN = reason(
    "unknown_site",
    "site_id",
    "is not in the tenant's roster; bring it with roster.sync, and this is taken up again by itself",
)


OTHER_SITE = reason(
    "other_site",
    "site_id",
    "may not be written to by whoever submitted this, nor may the punch be taken from another; resubmit it",
)


class Rejection(NamedTuple):
    """Something refused. tenant_id is 0 where none could be read; `waits_for` names what a
    roster.sync has to bring.
    """

    tenant_id: int
    punch_id: str | None
    person_id: int | None
    site_id: int | None
    content: str
    content_hash: bytes
    reasons: list[Reason]
    waits_for: str | None  # 'tenant' or 'site'

    @property
    def key(self) -> tuple[int, bytes]:
        """What is the same is kept once."""
        return self.tenant_id, self.content_hash


def unreadable(content: object, reasons: list[Reason]) -> Rejection:
    """The rejection of a content that could not be read as what it should be, or whose tenant is
    not known.
    """
    text = as_text(content)
    fields = content if isinstance(content, dict) else {}
    punch_id = fields.get("punch_id")
    return Rejection(
        _id(fields.get("tenant_id")) or 0,
        punch_id
        if isinstance(punch_id, str) and punch_id.isprintable() and len(punch_id) <= 64
        else None,
        _id(fields.get("person_id")),
        _id(fields.get("site_id")),
        text,
        digest(text.encode()),
        reasons,
        "tenant" if TENANT_UNKNOWN in reasons else None,
    )


def _id(value: object) -> int | None:
    return value if type(value) is int and 1 <= value <= LARGEST_ID else None
