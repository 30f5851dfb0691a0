"""The digest of a punch's content: equal where the content is, whichever release read it.

The fields of the first release are hashed by their place in FIRST, nulls included, as in every
digest that is stored. A later field is hashed as the unknown field that it was before: by its name
among the `extra` ones, and only where it was given. So a new field changes no stored digest, and
during an upgrade old and new workers give one content one digest. A tap, a kind that the first
release refused, is told from a check-in by one more word at the end. `sent_at` is no content.
"""

from collections.abc import Iterable
from operator import attrgetter

import orjson

from models.ids import Id
from models.intake.content import as_json, digest
from models.schemas.punch import BIOMETRIC, KIND, REPORTED, Punch

# Never to be changed: neither the names, nor their order.
FIRST = (
    "punch_id",
    "person_id",
    "site_id",
    "is_check_in",
    "occurred_at",
    "person_name",
    "latitude",
    "longitude",
    "accuracy_m",
    "is_mock_location",
    "device_id",
    "biometric_method",
    "biometric_score",
    "biometric_liveness",
    "biometric_person_id",
)

_first = attrgetter(*FIRST)
_LATER = tuple(column for column in REPORTED if column not in (*FIRST, *KIND))
_WITHIN_BIOMETRIC = {column: sent for sent, column in BIOMETRIC.items()}


def content_digest(tenant_id: Id, punch: Punch, extra: str | None) -> bytes:
    """Return the 16 bytes that tell this content from others. `extra` is as in Row."""
    unknown = unknown_at_first(punch, extra) if _LATER else extra
    content = (tenant_id, *_first(punch), unknown)
    return digest(orjson.dumps((*content, "tap") if punch.is_tap else content))


def unknown_at_first(punch: Punch, extra: str | None, later: Iterable[str] = _LATER) -> str | None:
    """Return the fields that the first release did not know, as it kept them, as JSON.

    They are those in `extra`, and the columns of `later`.
    """
    columns = {column: value for column in later if (value := getattr(punch, column)) is not None}
    if not columns:
        return extra
    fields = orjson.loads(extra) if extra else {}
    for column, value in columns.items():
        if sent := _WITHIN_BIOMETRIC.get(column):
            fields.setdefault("biometric", {})[sent] = value
        else:
            fields[column] = value
    return as_json(fields).decode()
