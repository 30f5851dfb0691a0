"""The metric that tells which release runs; servers and workers both have it."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from models.migrations.revision import newest_revision
from models.version import rollcall_version


class BuildInfo(Collector):
    """`rollcall_build_info{version,revision} 1`, for a registry.

    It is made when somebody scrapes, never counted: what a worker's processes count is kept in
    files, in which the labels of an earlier release would stay.
    """

    def collect(self) -> Iterable[Metric]:
        labels = ["version", "revision"]
        text = "Always 1: the release that runs, and the schema's revision that it needs."
        family = GaugeMetricFamily("rollcall_build_info", text, labels=labels)
        family.add_metric([rollcall_version(), newest_revision()], 1)
        yield family
