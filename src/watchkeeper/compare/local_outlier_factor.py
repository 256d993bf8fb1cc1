"""Share of rows that lie in sparser places than their neighbours in the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.anomalous_share import SAMPLE, anomalous_share
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State

__all__ = ["LocalOutlierFactor"]

Matrix = NDArray[np.float64]

_NEIGHBOURS = 20
_MOST = 2_000


class LocalOutlierFactor:
    """Share of anomalous rows by the local outlier factor, less the reference's own share of 1 %.

    The factor is how many times sparser a row lies than its 20 nearest reference rows do; it is scikit-learn's, fitted
    to up to 2,000 distinct reference rows, because equal rows would have infinite density. Distances are in
    interquartile ranges, and in nats of surprisal for levels. What counts as anomalous is a conformal p-value of at
    most 1 %, as for ``isolation_forest``, and so is the chart that judges the share. It sees rows whose every value is
    ordinary and whose combination is not; in more than some twenty features that vary independently all rows are about
    equally far from each other and it sees little.

    References
    ----------
    Breunig, Kriegel, Ng and Sander (2000), LOF: identifying density-based local outliers, doi:10.1145/342009.335388.
    Bates et al. (2023), Testing for outliers with conformal p-values, doi:10.1214/22-AOS2244.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "local_outlier_factor"
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
        """Return the function that scores points, shape (k, d) → (k,), by their distances to ``points``."""
        _, first = np.unique(points, axis=0, return_index=True)
        if len(first) < 3:
            return lambda others: np.zeros(len(others))
        found = self.model(points[np.sort(first)[:_MOST]])
        return lambda others: np.asarray(-found.score_samples(others))

    def model(self, points: Matrix) -> Any:
        """Return scikit-learn's estimator, fitted."""
        from sklearn.neighbors import LocalOutlierFactor as Factor

        return Factor(n_neighbors=min(_NEIGHBOURS, len(points) - 1), novelty=True).fit(points)
