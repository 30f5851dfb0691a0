"""An alert and an anomaly in Python are what their tables hold, field by field."""

from dataclasses import fields
from datetime import datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from sqlalchemy import Boolean, Column, DateTime, Double, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from models.alerts.alert import Alert
from models.alerts.anomaly import Anomaly
from models.ids import StringId
from models.tables import alert, anomaly

PYTHON = {
    Boolean: bool,
    DateTime: datetime,
    Double: float,
    Integer: int,
    JSONB: dict,
    Text: str,
    Uuid: UUID,
}
RECORDS = [pytest.param(Alert, alert, id="alert"), pytest.param(Anomaly, anomaly, id="anomaly")]


def python_type(column: Column[Any]) -> tuple[type, bool]:
    """Return the type of the column's values, and whether they may be null.

    BigInteger is an Integer.
    """
    (value_type,) = {python for kind, python in PYTHON.items() if isinstance(column.type, kind)}
    return value_type, bool(column.nullable)


def field_type(hint: Any) -> tuple[type, bool]:
    """Return the type of the field's values, and whether they may be None."""
    types = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    # The database holds a string id as its number.
    (value_type,) = [part for part in types if part not in (type(None), StringId)]
    return get_origin(value_type) or value_type, type(None) in types


@pytest.mark.parametrize(("record", "table"), RECORDS)
def test_its_fields_are_the_columns_with_their_types_and_nulls(record: type, table: Table) -> None:
    types = {name: field_type(hint) for name, hint in get_type_hints(record).items()}
    assert types == {column.name: python_type(column) for column in table.c}


@pytest.mark.parametrize(("record", "table"), RECORDS)
def test_nobody_changes_it_in_place_or_reads_it_by_position(record: type, table: Table) -> None:
    values: dict[str, Any] = dict.fromkeys((field.name for field in fields(record)), 1)
    one = record(**values)
    with pytest.raises(AttributeError):
        one.severity = "LOW"
    with pytest.raises((AttributeError, TypeError)):
        one.colour = "red"
    with pytest.raises(TypeError):
        tuple(one)
