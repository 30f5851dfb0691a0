"""The call that a message is: its arguments, and nothing that is to be run after it."""

from typing import Any

from kombu.utils.json import dumps

from worker.metrics import IGNORED

# Where a message names tasks to be run after this one.
_LINKS = ("callbacks", "errbacks", "chain", "chord")

Call = tuple[Any, Any, dict[str, Any]]
Body = tuple[Any, str, str]  # the text, its content type and encoding


def call_in(message: Any, options: dict[str, Any]) -> tuple[Call, Body]:
    """The call, its arguments never null; and its body for the pool, as it came if that will do."""
    args, kwargs, embed = options["body"] if options["decoded"] else message.payload
    call: Call = ([] if args is None else args, {} if kwargs is None else kwargs, {})
    if not isinstance(call[0], list | tuple) or not isinstance(call[1], dict):
        raise TypeError
    linked = bool(embed) and not _is_empty(embed)
    if linked:
        IGNORED.labels(wish="link").inc()
    if linked or options["decoded"] or args is None or kwargs is None:
        return call, (dumps(call), "application/json", "utf-8")
    return call, (message.body, message.content_type, message.content_encoding)


def _is_empty(embed: object) -> bool:
    return isinstance(embed, dict) and all(not embed[name] and name in _LINKS for name in embed)
