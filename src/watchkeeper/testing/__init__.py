"""Public conformance suites: what plug-ins of each kind, built-in ones included, must obey."""

from watchkeeper.testing.chart import check_chart
from watchkeeper.testing.comparison import check_comparison
from watchkeeper.testing.estimator import check_estimator
from watchkeeper.testing.explainer import check_explainer
from watchkeeper.testing.fault import check_fault
from watchkeeper.testing.framework import check_framework
from watchkeeper.testing.metric import check_metric
from watchkeeper.testing.notifier import check_notifier
from watchkeeper.testing.rule import check_rule
from watchkeeper.testing.statistic import check_statistic
from watchkeeper.testing.store import check_store
from watchkeeper.testing.trigger import check_trigger

__all__ = [
    "check_chart",
    "check_comparison",
    "check_estimator",
    "check_explainer",
    "check_fault",
    "check_framework",
    "check_metric",
    "check_notifier",
    "check_rule",
    "check_statistic",
    "check_store",
    "check_trigger",
]
