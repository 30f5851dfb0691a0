"""noc.publish: an existing app puts a message into the tenant's feed, once per message_id."""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Engine

from models.database import transaction
from models.feed import Appended, Message, append
from models.ids import is_nobody
from models.intake.content import as_json
from models.intake.flaws import flaws
from models.intake.refused.outcome import Outcome
from models.intake.refused.reasons import Reason, Refused, reason, validated
from models.intake.refused.refuse import refuse_alone
from models.intake.refused.rejection import TENANT_UNKNOWN, unreadable
from models.intake.submitter import OutsideSites, Submitter
from models.numbering import find_tenant, store
from models.schemas.message import PublishedMessage
from models.schemas.payloads import instant_text

DOOR = "noc.publish"
TASK = Submitter(DOOR)
MOST_BYTES = 16 * 1024

# It returns one row where the tenant is known, with `is_new` where the message was not said before.
_REMEMBER = """
WITH said AS (
    INSERT INTO published (tenant_id, message_id, said_at, extra)
    SELECT tenant_id, %(message_id)s, %(at)s, %(extra)s::jsonb
    FROM tenant WHERE tenant_id = %(tenant_id)s AND NOT deleted
    ON CONFLICT (tenant_id, message_id) DO NOTHING
    RETURNING 1
)
SELECT EXISTS (SELECT FROM said) AS is_new
FROM tenant WHERE tenant_id = %(tenant_id)s AND NOT deleted
"""


class Publication(NamedTuple):
    """What became of a message, and what to publish: nothing if it was refused, or said before."""

    outcome: Outcome
    appended: Appended | None
    messages: tuple[Message, ...]


def publish(engine: Engine, content: object, by: Submitter = TASK) -> Publication:
    """Put the message into its tenant's feed and commit. The caller publishes it.

    Raises OutsideSites where it is at a site that `by` may not write to.
    """
    now = datetime.now(UTC)
    try:
        return _publish(engine, _numbered(engine, _read(content)), by, now)
    except Refused as refused:
        outcome = refuse_alone(engine, unreadable(content, refused.reasons), by, now, door=DOOR)
        return Publication(outcome, None, ())


def _publish(
    engine: Engine, message: PublishedMessage, by: Submitter, now: datetime
) -> Publication:
    if not by.covers(message.site_id):
        raise OutsideSites
    body = _body(message, now)
    for_feed = Message(message.type, message.site_id, None, message.severity, None, body)
    values = {
        "tenant_id": message.tenant_id,
        "message_id": message.message_id,
        "at": now,
        "extra": _extra(message),
    }
    outcome = Outcome(None, "accepted", [], message.tenant_id, True)
    with transaction(engine) as cursor:
        row = cursor.execute(_REMEMBER, values).fetchone()
        if row == (True,):
            appended = append(cursor, message.tenant_id, [for_feed])
            return Publication(outcome, appended, (for_feed,))
    if row is None:
        raise Refused([TENANT_UNKNOWN])
    return Publication(outcome, None, ())


def _read(content: object) -> PublishedMessage:
    message = validated(PublishedMessage, content)
    reasons = flaws(message.data, "data") + flaws(message.model_extra, "") or _too_large(message)
    if reasons:
        raise Refused(reasons)
    return message


def _numbered(engine: Engine, message: PublishedMessage) -> PublishedMessage:
    """Return the message, whose string ids have their numbers.

    That of its site is stored. Raises Refused where nobody has stored the tenant's.
    """
    tenant_id = find_tenant(engine, message.tenant_id)
    if is_nobody(tenant_id):
        raise Refused([TENANT_UNKNOWN])
    site_id = message.site_id
    if site_id is not None:
        site_id = store(engine, [tenant_id], [(tenant_id, site_id)]).id(tenant_id, site_id)
    return message.model_copy(update={"tenant_id": tenant_id, "site_id": site_id})


def _too_large(message: PublishedMessage) -> list[Reason]:
    size = len(as_json(message.data))
    if size <= MOST_BYTES:
        return []
    text = f"is {size:,} bytes as JSON; at most {MOST_BYTES:,} can be said"
    return [reason("too_large", "data", text)]


def _body(message: PublishedMessage, now: datetime) -> str:
    """Return the payload without a position, which the feed gives out; the data's own goes."""
    envelope = {
        "type": message.type,
        "tenant_id": message.tenant_id,
        "site_id": message.site_id,
        "severity": message.severity,
        "timestamp": instant_text(now),
    }
    data = {name: value for name, value in message.data.items() if name != "position"}
    return as_json(data | envelope).decode()


def _extra(message: PublishedMessage) -> str | None:
    return as_json(message.model_extra).decode() if message.model_extra else None
