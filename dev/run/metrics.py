"""The ports at which the server and the worker of a run serve their metrics.

The ports are of these processes alone: who joins the run by its `env` file gets the addresses to
read from, and has ports of its own.
"""

from typing import NamedTuple

from dev.embedded.ports import free_port
from models.settings import Settings

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened at, but no address to ask


class MetricsPorts(NamedTuple):
    """The ports that the settings name, and free ones where they name none."""

    host: str
    web: int
    worker: int

    @classmethod
    def of(cls, settings: Settings) -> "MetricsPorts":
        web, worker = settings.metrics_port, settings.worker_metrics_port
        return cls(settings.metrics_host, web or free_port(), worker or free_port())

    def settings_of(self, part: str) -> dict[str, str]:
        """The settings that this process of the Procfile gets besides those that all get."""
        if part == "web":
            return {"METRICS_PORT": str(self.web)}
        return {"WORKER_METRICS_PORT": str(self.worker)} if part == "worker" else {}

    def addresses(self) -> dict[str, str]:
        return {
            "METRICS_URL": self._address(self.web),
            "WORKER_METRICS_URL": self._address(self.worker),
        }

    def _address(self, port: int) -> str:
        host = _EVERYWHERE.get(self.host, self.host)
        return f"http://[{host}]:{port}/metrics" if ":" in host else f"http://{host}:{port}/metrics"
