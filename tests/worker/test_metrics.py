"""A worker serves the sum of what its processes counted."""

import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.values import MultiProcessValue

from dev.embedded.ports import free_port
from models.migrations.revision import newest_revision
from models.version import rollcall_version
from worker.metrics import SumOfProcesses, serve


def test_a_process_that_has_just_begun_to_count_keeps_nobody_from_the_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has made its file, and not yet given it a size. Whoever asked then was answered 500."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr("prometheus_client.values.ValueClass", MultiProcessValue(lambda: "1"))
    monkeypatch.setattr(
        "prometheus_client.metrics.values.ValueClass", MultiProcessValue(lambda: "1")
    )
    Counter("seen_total", "Seen.", registry=None).inc(3)
    (tmp_path / "counter_2.db").touch()
    registry = CollectorRegistry()
    SumOfProcesses(registry, path=str(tmp_path))
    assert b"seen_total 3.0" in generate_latest(registry)


def test_the_release_is_told_once_beside_the_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    port = free_port()
    serve("127.0.0.1", port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert [line for line in text.splitlines() if line.startswith("rollcall_build_info")] == [
        f'rollcall_build_info{{revision="{newest_revision()}",version="{rollcall_version()}"}} 1.0'
    ]
