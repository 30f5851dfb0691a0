"""The sum that a worker shows of what its processes counted."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.values import MultiProcessValue

from worker.metrics import SumOfProcesses


def test_a_process_that_has_just_begun_to_count_keeps_nobody_from_the_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between making its file and giving it a size; whoever looked then was answered 500."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr("prometheus_client.values.ValueClass", MultiProcessValue(lambda: "1"))
    monkeypatch.setattr("prometheus_client.metrics.values.ValueClass", MultiProcessValue(lambda: "1"))
    Counter("seen_total", "Seen.", registry=None).inc(3)
    (tmp_path / "counter_2.db").touch()
    registry = CollectorRegistry()
    SumOfProcesses(registry, path=str(tmp_path))
    assert b"seen_total 3.0" in generate_latest(registry)
