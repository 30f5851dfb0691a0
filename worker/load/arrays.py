"""Arrays as Postgres reads them, each written at once: the driver's own look at each of their
values cost more than the query.
"""

from collections.abc import Iterable


def numbers(values: Iterable[int]) -> str:
    """The text of a bigint[]."""
    return "{" + ",".join(map(str, values)) + "}"


def texts(values: Iterable[str]) -> str:
    """The text of a text[]. Postgres' text holds no NUL, which parts the values here until they are
    escaped.
    """
    listed = list(values)
    if not listed:
        return "{}"
    escaped = "\0".join(listed).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + escaped.replace("\0", '","') + '"}'
