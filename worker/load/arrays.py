"""Arrays as Postgres reads them. Each is written as one text: the driver looks at each value by
itself, which cost more than the query.
"""

from collections.abc import Iterable


def numbers(values: Iterable[int]) -> str:
    """Return the text of a bigint[]."""
    return "{" + ",".join(map(str, values)) + "}"


def texts(values: Iterable[str]) -> str:
    """Return the text of a text[]. All values are escaped at once, parted by NUL, which a text of
    Postgres cannot hold.
    """
    listed = list(values)
    if not listed:
        return "{}"
    escaped = "\0".join(listed).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + escaped.replace("\0", '","') + '"}'
