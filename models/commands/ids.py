"""Ids on a command line: a bare number is an integer, a string stands in double quotes."""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from models.ids import Id


class IdType(click.ParamType[Any]):
    """An id of a tenant, person or site, a string without its number."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Id":
        # Imported here: help and completion go without what reads ids.
        from models.ids import parse_id

        try:
            return parse_id(str(value))
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


ID = IdType()
