"""The `message` of noc.publish, by which an existing app says something to a tenant's viewers."""

from typing import Annotated, Any

from pydantic import Field

from models.schemas.fields import Id, Incoming, Text
from models.schemas.payloads import PublishedEvent
from models.vocabulary import Severity


class PublishedMessage(Incoming):
    """`data` becomes the payload; where it has fields of the same name, the envelope's win."""

    type: PublishedEvent
    tenant_id: Id
    site_id: Id | None = None
    severity: Severity | None = None
    message_id: Annotated[Text, Field(min_length=1, max_length=200)]
    data: dict[str, Any]
