"""The one MetaData all tables register with, and the column shapes they share."""

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


def tenant_key() -> Column:
    """First column of every primary key. No foreign key: rows may wait for a tenant that has not
    come yet.
    """
    return Column("tenant_id", BigInteger, primary_key=True, autoincrement=False)


def instant(name: str, *, nullable: bool = True, **kwargs: Any) -> Column:
    """A moment, always with its offset; psycopg returns it aware, in UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable, **kwargs)


def submitter(name: str) -> Column:
    """Who handed something in; null for what came before this was kept."""
    return json_object(name, nullable=True)


def json_object(name: str, *, nullable: bool = False, **kwargs: Any) -> Column:
    return Column(name, JSONB, nullable=nullable, **kwargs)
