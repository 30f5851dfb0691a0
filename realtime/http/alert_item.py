"""An alert as the REST API shows it: the fields of its payload, as JSON has them."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from sqlalchemy import Row
from typing_extensions import TypedDict

from models.alerts.alert import Alert
from models.alerts.rows import fields_of
from models.schemas.fields import Id
from models.schemas.payloads import AlertBody
from realtime.http.fields import Moment, json_types
from realtime.tokens import Claims

# The CSV begins and ends with these columns.
_FIRST = (
    "alert_id",
    "first_seen",
    "last_seen",
    "anomaly_type",
    "severity",
    "status",
    "count",
    "message",
)
_LAST = ("version", "timestamp", "tenant_id")
# Fields of which the API's description says something else than the payload's.
_DESCRIBED = {
    "person_id": Id,
    "site_id": Id,
    "tenant_id": Id,
    "escalation_step": int,
    "version": Annotated[
        int,
        Field(description="Give it with a move: one that has changed since is a conflict."),
    ],
    "timestamp": Annotated[Moment, Field(description="When it last changed.")],
}


def _item_types() -> dict[str, Any]:
    """Return the type of each field, in the order of the CSV's columns."""
    types = json_types(AlertBody, without="type") | _DESCRIBED
    between = [name for name in types if name not in _FIRST + _LAST]
    return {name: types[name] for name in (*_FIRST, *between, *_LAST)}


if TYPE_CHECKING:  # mypy knows no fields that are read from another class
    AlertItem = dict[str, Any]
else:
    AlertItem = TypedDict("AlertItem", _item_types())
    AlertItem.__doc__ = "Anomalies of one person, site and type that operators work on together."


def item(row: Row[Any], _: Claims) -> AlertItem:
    return fields_of(Alert(**row._mapping))
