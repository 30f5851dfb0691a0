"""What a worker answers to remote control: each command that only looks. It refuses all others.

It puts an answer together from what may be told, so that no password nor other secret is in one.
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

# Of a worker's statistics; of what it knows of its broker.
_STATISTICS = ("total", "pid", "clock", "uptime", "pool", "prefetch_count", "rusage")
_BROKER = ("transport", "hostname", "port", "virtual_host", "ssl", "connect_timeout", "heartbeat")


def address(url: object) -> str:
    """A broker's address without any password; of several Sentinels, the last one's."""
    scheme, _, rest = str(url).partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def _configuration(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """Tell what Rollcall itself chose, which is no secret, and where the broker is."""
    conf = state.app.conf
    told = {name: conf[name] for name in OPEN} | {"broker_url": address(conf.broker_url)}
    return jsonify(told, unknown_type_filter=safe_repr)


def _report(state: Any, arguments: dict[str, Any]) -> dict[str, str]:
    versions = f"celery:{celery.__version__} kombu:{kombu.__version__} billiard:{billiard.__version__} py:{platform.python_version()}"
    lines = [f"software -> {versions}", f"platform -> {platform.platform()}"]
    return {
        "ok": "\n".join(
            [
                *lines,
                *(f"{name}: {value!r}" for name, value in _configuration(state, arguments).items()),
            ]
        )
    }


def _statistics(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    known = control.stats(state)
    broker = {name: value for name, value in known.get("broker", {}).items() if name in _BROKER}
    broker["hostname"] = str(broker.get("hostname")).rpartition("@")[2]
    return {name: known[name] for name in _STATISTICS if name in known} | {
        "broker": broker | {"ssl": bool(broker.get("ssl"))}
    }


def _hello(state: Any, _: dict[str, Any]) -> dict[str, Any]:
    """Answer a worker that starts, and heed nothing that it says was revoked."""
    return {"revoked": [], "clock": state.app.clock.forward()}


def _heartbeat(state: Any, _: dict[str, Any]) -> dict[str, str]:
    control.heartbeat(state)
    return {"ok": "heartbeat sent"}


def _events_are_on(*_: Any) -> dict[str, str]:
    return {"ok": "task events are always on"}


def _stock(command: Callable[..., Any], *passed: str) -> Callable[[Any, dict[str, Any]], Any]:
    """Ask Celery's own command, with none of the arguments but those."""
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
# As older clients call them.
_FORMERLY = {
    "active": "active",
    "conf": "conf",
    "reserved": "reserved",
    "revoked": "revoked",
    "schedule": "scheduled",
    "tasks": "registered",
}
ANSWERS |= {f"dump_{name}": ANSWERS[command] for name, command in _FORMERLY.items()}
