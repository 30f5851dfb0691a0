"""Read the call out of a task's message: its arguments, and nothing to be run after it."""

from typing import Any

from kombu.utils.json import dumps

from worker.metrics import IGNORED

# The fields in which a message names tasks to be run after this one.
_LINKS = ("callbacks", "errbacks", "chain", "chord")

Call = tuple[Any, Any, dict[str, Any]]
Body = tuple[Any, str, str]  # the text, its content type and encoding


def call_in(message: Any, options: dict[str, Any]) -> tuple[Call, Body]:
    """Return the call, its arguments never null, and its body for the pool.

    The body is the message's own, if that will do. Raises TypeError where the arguments are neither
    a list nor an object.
    """
    args, kwargs, embed = options["body"] if options["decoded"] else message.payload
    call: Call = ([] if args is None else args, {} if kwargs is None else kwargs, {})
    if not isinstance(call[0], list | tuple) or not isinstance(call[1], dict):
        raise TypeError
    has_links = bool(embed) and not _is_empty(embed)
    if has_links:
        IGNORED.labels(wish="link").inc()
    if has_links or options["decoded"] or args is None or kwargs is None:
        return call, (dumps(call), "application/json", "utf-8")
    return call, (message.body, message.content_type, message.content_encoding)


def _is_empty(embed: object) -> bool:
    return isinstance(embed, dict) and all(not embed[name] and name in _LINKS for name in embed)
