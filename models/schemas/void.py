"""The keywords of attendance.void."""

from models.schemas.fields import Id, Incoming, Name, TextId


class Void(Incoming):
    """The punch to void, and the reason."""

    tenant_id: Id
    punch_id: TextId
    reason: Name
