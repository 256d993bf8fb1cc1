"""Share of rows that an isolation forest of the reference finds anomalous."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.anomalous_share import SAMPLE, anomalous_share
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State

__all__ = ["IsolationForest"]

Matrix = NDArray[np.float64]

_TREES = 100
_SEED = 0


class IsolationForest:
    """Share of anomalous rows by an isolation forest of the reference, less the reference's own share of 1 %.

    Rows that random splits of random features part from the others early are anomalous. The score is scikit-learn's:
    2^(-E h / c(ψ)), h the depth at which the row is alone in each of 100 trees of ψ = 256 rows. What score counts as
    anomalous is no guess of a contamination but a conformal p-value of at most 1 %: on rows like those of the
    reference one in a hundred is flagged, on average over references; given one of 10,000 rows within a tenth of that,
    of 1,000 within a third (one standard deviation). Up to 10,000 sampled rows of each side are looked at, all
    features, categorical ones by how rare their levels are. It finds rows that are extreme in a few features; a broken
    relation between features of ordinary values is for ``local_outlier_factor``. A feature that never varies in the
    reference is not looked at.

    The chart ``tolerance`` judges the share as a rate: it signals when the share has surely more than doubled, at the
    budget, and its option ``always`` sets a higher share that is tolerated. It takes half a second, so that it is not
    for every window of every model.

    References
    ----------
    Liu, Ting and Zhou (2008), Isolation forest, doi:10.1109/ICDM.2008.17. Bates et al. (2023), Testing for outliers
    with conformal p-values, doi:10.1214/22-AOS2244.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "isolation_forest"
    identical: ClassVar[float] = 0.0
    needs: ClassVar[tuple[str, ...]] = (SAMPLE,)
    trials: ClassVar[int] = 20

    def applies(self, column: Column) -> bool:
        """All features together."""
        return column.kind is Kind.JOINT

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the difference of the shares with its error, its interval and a p-value."""
        return anomalous_share(self.name, self, reference, current)

    def learn(self, points: Matrix) -> Callable[[Matrix], Matrix]:
        """Return the function that scores points, shape (k, d) → (k,), by a forest fitted to ``points``."""
        forest = self.model(points)
        return lambda others: np.asarray(-forest.score_samples(others))

    def model(self, points: Matrix) -> Any:
        """Return scikit-learn's forest, fitted."""
        from sklearn import config_context
        from sklearn.ensemble import IsolationForest as Forest

        # A quarter of the time would go into checking the parameters of each tree.
        with config_context(skip_parameter_validation=True):
            return Forest(n_estimators=_TREES, random_state=_SEED).fit(points)
