"""Show a task's arguments by their ids only, in events, in logs and to `inspect`."""

from typing import Any

from models.ids import is_id

_WHOLE = ("tenant_id", "person_id", "site_id")
_TEXT = ("punch_id", "message_id")


def ids_of(arguments: object) -> str:
    """Return a text of ids and sizes only: `{'punch': {'tenant_id': 1, 'punch_id': 'p-1'}}`."""
    return repr(_ids(arguments)) if isinstance(arguments, dict) else "{}"


def _ids(fields: dict[Any, Any]) -> dict[str, Any]:
    ids: dict[str, Any] = {name: fields[name] for name in _WHOLE if is_id(fields.get(name))}
    ids |= {name: fields[name][:64] for name in _TEXT if isinstance(fields.get(name), str)}
    for name in ("punch", "roster", "tenant", "message"):
        if isinstance(fields.get(name), dict):
            ids[name] = _ids(fields[name])
    if isinstance(fields.get("punches"), list):
        ids["punches"] = len(fields["punches"])
    return ids
