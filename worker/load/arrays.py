"""Arrays as Postgres reads them. Each is written as one text: the driver looks at each value by
itself, which cost more than the query.
"""

from collections.abc import Iterable

from models.ids import Id, key_text


def numbers(values: Iterable[Id]) -> str:
    """Return the text of a bigint[], which holds ids by their numbers."""
    return "{" + ",".join(map(key_text, values)) + "}"


def texts(values: Iterable[str]) -> str:
    """Return the text of a text[]. All values are escaped at once, parted by NUL, which a text of
    Postgres cannot hold.
    """
    listed = list(values)
    if not listed:
        return "{}"
    escaped = "\0".join(listed).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + escaped.replace("\0", '","') + '"}'
