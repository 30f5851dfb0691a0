"""The metrics of a run are at ports of its own processes; others that join get the addresses."""

from dev.run.metrics import MetricsPorts
from dev.run.settings import check, joinable


def test_ports_are_those_that_were_asked_for_or_free_ones() -> None:
    named = MetricsPorts.of(check({"METRICS_PORT": "9100", "WORKER_METRICS_PORT": "9101"}))
    assert named.addresses() == {
        "METRICS_URL": "http://127.0.0.1:9100/metrics",
        "WORKER_METRICS_URL": "http://127.0.0.1:9101/metrics",
    }
    free = MetricsPorts.of(check({}))
    assert free.web and free.worker and free.web != free.worker
    assert free.settings_of("web") == {"METRICS_PORT": str(free.web)}
    assert free.settings_of("worker") == {"WORKER_METRICS_PORT": str(free.worker)}
    assert free.settings_of("beat") == {}


def test_an_address_is_one_that_can_be_asked() -> None:
    assert MetricsPorts("0.0.0.0", 1, 2).addresses()["METRICS_URL"] == "http://127.0.0.1:1/metrics"  # noqa: S104
    assert MetricsPorts("::", 1, 2).addresses()["METRICS_URL"] == "http://[::1]:1/metrics"
    assert MetricsPorts("10.0.0.7", 1, 2).addresses()["METRICS_URL"] == "http://10.0.0.7:1/metrics"


def test_who_joins_is_not_told_to_take_what_is_taken() -> None:
    settings = {
        "PORT": "8000",
        "METRICS_PORT": "9100",
        "WORKER_METRICS_PORT": "9101",
        "HEARTBEAT_FILE": "/run/x",
        "METRICS_TOKEN": "t",
    }
    assert joinable(settings) == {"PORT": "8000", "METRICS_TOKEN": "t"}
