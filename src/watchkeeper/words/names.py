"""What measures are called in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["measure_words"]

_ACRONYMS = (
    "auprc", "auroc", "ece", "f1", "jsd", "ks", "mae", "mape", "mase", "mcc", "mmd", "mse", "msle", "ndcg", "npv",
    "pca", "ppv", "psi", "rmse", "rmsle", "smape", "wape",
)  # fmt: skip

_NAMES: Mapping[str, str] = {
    **{name: name.upper() for name in _ACRONYMS},
    "anderson": "Anderson", "brier": "Brier", "cramer": "Cramér", "frechet": "Fréchet", "hellinger": "Hellinger",
    "jensen": "Jensen", "r2": "R²", "t2": "T²", "wasserstein": "Wasserstein",
}  # fmt: skip
"""Words of registry names that are written otherwise in a sentence."""


def measure_words(name: str) -> str:
    """Return what a measure is called in a sentence.

    Examples
    --------
    >>> measure_words("ks"), measure_words("log_loss"), measure_words("ks_test")
    ('KS', 'log loss', 'KS test')
    """
    return " ".join(_NAMES.get(word, word) for word in name.split("_"))
