"""The MetaData that all tables register with, and the columns that several have."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, MetaData
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def tenant_key() -> Column[int]:
    """Return the first column of every primary key.

    It is no foreign key, as rows may wait for a tenant that has not come yet.
    """
    return Column("tenant_id", BigInteger, primary_key=True, autoincrement=False)


def instant(name: str, *, nullable: bool = True, **kwargs: Any) -> Column[datetime]:
    """Return a column of moments; psycopg returns them aware, in UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable, **kwargs)


def submitter(name: str) -> Column[Any]:
    """Return a column of submitters; it is null where a row is older than the column."""
    return json_object(name, nullable=True)


def json_object(name: str, *, nullable: bool = False, **kwargs: Any) -> Column[Any]:
    return Column(name, JSONB, nullable=nullable, **kwargs)
