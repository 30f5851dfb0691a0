"""A rejection: a submission as it came, with the ids that could be read and the reasons."""

from datetime import datetime
from typing import NamedTuple

from models.ids import Id, as_id
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
    "is not in the tenant's roster; bring it with roster.sync,"
    " and this is taken up again by itself",
)


OTHER_SITE = reason(
    "other_site",
    "site_id",
    "may not be written to by whoever submitted this, nor may the punch be taken from another;"
    " resubmit it",
)


class Rejection(NamedTuple):
    """A submission that is refused.

    `waits_for` names what a roster.sync has to bring, for the moment `occurred_at` of a punch.
    """

    tenant_id: Id  # 0 where none could be read
    punch_id: str | None
    person_id: Id | None
    site_id: Id | None
    content: str
    content_hash: bytes
    reasons: list[Reason]
    waits_for: str | None  # 'tenant' or 'site'
    occurred_at: datetime | None = None

    @property
    def key(self) -> tuple[Id, bytes]:
        """Rejections of the same key are kept as one."""
        return self.tenant_id, self.content_hash


def unreadable(content: object, reasons: list[Reason]) -> Rejection:
    """Return the rejection of a content that cannot be read, or whose tenant is unknown."""
    text = as_text(content)
    fields = content if isinstance(content, dict) else {}
    return Rejection(
        as_id(fields.get("tenant_id")) or 0,
        _text_id(fields.get("punch_id")),
        as_id(fields.get("person_id")),
        as_id(fields.get("site_id")),
        text,
        digest(text.encode()),
        reasons,
        "tenant" if TENANT_UNKNOWN in reasons else None,
    )


def _text_id(value: object) -> str | None:
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 64 else None
