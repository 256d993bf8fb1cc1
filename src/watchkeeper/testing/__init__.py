"""Public conformance suites: what a statistic, comparison, chart, estimator or store must obey, plug-ins included."""

from watchkeeper.testing.chart import check_chart
from watchkeeper.testing.comparison import check_comparison
from watchkeeper.testing.estimator import check_estimator
from watchkeeper.testing.statistic import check_statistic
from watchkeeper.testing.store import check_store

__all__ = ["check_chart", "check_comparison", "check_estimator", "check_statistic", "check_store"]
