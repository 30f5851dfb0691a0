"""Answers to remote control, for each command that only looks. All others are refused.

An answer is put together from what anybody may know, so that it holds no password or other secret.
"""

import platform
from collections.abc import Callable
from typing import Any

import billiard
import celery
import kombu
from celery.utils.serialization import jsonify
from celery.worker import control
from kombu.utils.encoding import safe_repr

from worker.broker.configuration import OPEN

# The fields of a worker's statistics, and of its broker in them, that anybody may know.
_STATISTICS = ("total", "pid", "clock", "uptime", "pool", "prefetch_count", "rusage")
_BROKER = ("transport", "hostname", "port", "virtual_host", "ssl", "connect_timeout", "heartbeat")


def address(url: object) -> str:
    """Return a broker's address without any password; for several Sentinels the last one's."""
    scheme, _, rest = str(url).partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def _configuration(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """Answer what Rollcall itself chose, which is no secret, and where the broker is."""
    conf = state.app.conf
    settings = {name: conf[name] for name in OPEN} | {"broker_url": address(conf.broker_url)}
    answer: dict[str, Any] = jsonify(settings, unknown_type_filter=safe_repr)
    return answer


def _report(state: Any, arguments: dict[str, Any]) -> dict[str, str]:
    versions = (
        f"celery:{celery.__version__} kombu:{kombu.__version__} "
        f"billiard:{billiard.__version__} py:{platform.python_version()}"
    )
    lines = [f"software -> {versions}", f"platform -> {platform.platform()}"]
    settings = _configuration(state, arguments)
    lines += [f"{name}: {value!r}" for name, value in settings.items()]
    return {"ok": "\n".join(lines)}


def _statistics(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    stats = control.stats(state)
    broker = {name: value for name, value in stats.get("broker", {}).items() if name in _BROKER}
    broker["hostname"] = str(broker.get("hostname")).rpartition("@")[2]
    broker["ssl"] = bool(broker.get("ssl"))
    return {name: stats[name] for name in _STATISTICS if name in stats} | {"broker": broker}


def _hello(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """Answer a worker that starts, and heed nothing that it says was revoked."""
    return {"revoked": [], "clock": state.app.clock.forward()}


def _heartbeat(state: Any, _: dict[str, Any]) -> dict[str, str]:
    control.heartbeat(state)
    return {"ok": "heartbeat sent"}


def _events_are_on(*_: Any) -> dict[str, str]:
    return {"ok": "task events are always on"}


def _stock(command: Callable[..., Any], *passed: str) -> Callable[[Any, dict[str, Any]], Any]:
    """Answer by Celery's own command, and pass it only those arguments."""
    return lambda state, arguments: command(
        state, **{name: arguments[name] for name in passed if name in arguments}
    )


ANSWERS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "active": _stock(control.active),
    "active_queues": _stock(control.active_queues),
    "clock": _stock(control.clock),
    "conf": _configuration,
    "enable_events": _events_are_on,
    "heartbeat": _heartbeat,
    "hello": _hello,
    "ping": _stock(control.ping),
    "query_task": _stock(control.query_task, "ids"),
    "registered": _stock(control.registered),
    "report": _report,
    "reserved": _stock(control.reserved),
    "revoked": _stock(control.revoked),
    "scheduled": _stock(control.scheduled),
    "stats": _statistics,
}
# The names, with `dump_` before them, by which older clients call commands.
_FORMERLY = {
    "active": "active",
    "conf": "conf",
    "reserved": "reserved",
    "revoked": "revoked",
    "schedule": "scheduled",
    "tasks": "registered",
}
ANSWERS |= {f"dump_{name}": ANSWERS[command] for name, command in _FORMERLY.items()}
