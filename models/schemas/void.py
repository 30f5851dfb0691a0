"""The keywords of attendance.void."""

from models.schemas.fields import Id, Incoming, Name, TextId


class Void(Incoming):
    """Which punch to void, and why."""

    tenant_id: Id
    punch_id: TextId
    reason: Name
