"""The metric that tells which release runs, the same of servers and of workers."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from models.migrations.revision import newest_revision
from models.version import rollcall_version


class BuildInfo(Collector):
    """`rollcall_build_info{version,revision} 1`, for a registry.

    It is told when it is asked for, never counted: what a worker's processes count stands in files,
    where the labels of a release before would stay.
    """

    def collect(self) -> Iterable[Metric]:
        labels = ["version", "revision"]
        said = "Always 1: the release that runs, and the schema's revision that it needs."
        family = GaugeMetricFamily("rollcall_build_info", said, labels=labels)
        family.add_metric([rollcall_version(), newest_revision()], 1)
        yield family
