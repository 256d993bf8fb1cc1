"""The streams that every system sees: 30 features in windows, and one feature row by row.

Each column is a monotone function of a latent standard normal number, so a shift, a jitter or a change of scale means
the same in all of them. Everything follows from the repetition, the window and the column: a stream that changes is the
clean stream of the same repetition but for its changed columns. Needs numpy and scipy alone, for peers that live in
environments of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import poisson

ROWS = 1_000
"""Rows of a window."""

WINDOWS = 100
REFERENCE_WINDOWS = 50
CHANGE = WINDOWS // 2
"""The window in which a stream changes: as many windows before it as after."""

JITTER = 0.03
CLUSTER = 10
WITHIN = 0.5
"""Correlation of two rows of one cluster."""

Numbers = NDArray[np.float64]
Values = NDArray[Any]


@dataclass(frozen=True)
class Stream:
    """How the rows of a stream come about.

    Attributes
    ----------
    name
        What the tables call it.
    jitter
        Standard deviation of a shift that every window and column has of its own.
    cluster
        Rows that arrive together: 1, or clusters of ten.
    within
        Correlation of the latent numbers in a cluster; 1 for equal rows.
    shift, scale
        Of the changed numeric feature, in standard deviations, from the change on.
    appears
        Share of rows with a level never seen before, from the change on.
    correlation
        Of two numeric features that were independent, from the change on.
    """

    name: str
    jitter: float = 0.0
    cluster: int = 1
    within: float = 1.0
    shift: float = 0.0
    scale: float = 1.0
    appears: float = 0.0
    correlation: float = 0.0

    @property
    def changed(self) -> tuple[str, ...]:
        """The columns that change."""
        if self.appears:
            return (LEVELED,)
        if self.correlation:
            return (SECOND,)
        return (FIRST,) if self.shift or self.scale != 1.0 else ()


FIRST, SECOND, LEVELED = "x0", "x1", "c4"

CLEAN = (
    Stream("clean"),
    Stream("window noise .03 σ", jitter=JITTER),
    Stream("clusters of 10 equal rows", cluster=CLUSTER),
    Stream("clusters of 10 correlated rows", cluster=CLUSTER, within=WITHIN),
)
CHANGES = (
    *(Stream(f"shift {shift:g} σ".replace("0.", "."), shift=shift) for shift in (0.02, 0.1, 0.2, 0.5, 1.0)),
    Stream("scale × 1.5", scale=1.5),
    Stream("a level appears, 5 % of rows", appears=0.05),
    Stream("correlation 0 → .3", correlation=0.3),
    Stream("correlation 0 → .8", correlation=0.8),
)
BY_NAME = {stream.name: stream for stream in (*CLEAN, *CHANGES)}


def _counted(mean: float) -> Callable[[Numbers], Numbers]:
    steps = poisson(mean).cdf(np.arange(int(mean + 12 * mean**0.5) + 12))
    return lambda z: np.searchsorted(steps, ndtr(z)).astype(np.float64)


def _mostly_zero(z: Numbers) -> Numbers:
    return -50.0 * np.log1p(-np.clip((ndtr(z) - 0.7) / 0.3, 0.0, 1 - 1e-12))


def _leveled(count: int) -> Callable[[Numbers], Values]:
    share = 1.0 / np.arange(1, count + 1)
    steps = np.cumsum(share / share.sum())[:-1]
    names = np.array([f"level_{i}" for i in range(count)])
    return lambda z: names[np.searchsorted(steps, ndtr(z))]


def _shapes() -> dict[str, Callable[[Numbers], Values]]:
    numeric: list[Callable[[Numbers], Values]] = [
        *([lambda z: z] * 2),
        *(lambda z, i=i: 10.0 * i + i * z for i in range(2, 8)),
        *(lambda z, s=s: np.exp(3.0 + s * z) for s in (0.5, 1.0, 1.5)),
        *(lambda z, w=w: w * ndtr(z) for w in (1.0, 1_000.0)),
        *(lambda z, m=m: -m * np.log1p(-np.minimum(ndtr(z), 1 - 1e-12)) for m in (1.0, 60.0)),
        *(_counted(mean) for mean in (2.0, 40.0, 10_000.0)),
        _mostly_zero,
        lambda z: np.exp(3.0 + z).round(0),
    ]
    named = {f"x{i}": shape for i, shape in enumerate(numeric)}
    return named | {f"c{i}": _leveled(n) for i, n in enumerate((3, 4, 5, 8, 10, 15, 20, 30, 40, 50))}


SHAPES = _shapes()
"""Value of each column from its latent number: 20 numeric, 10 categorical with 3 to 50 levels."""

NUMERIC = tuple(name for name in SHAPES if name.startswith("x"))
COLUMNS = tuple(SHAPES)


def _draw(repetition: int, window: int, column: str) -> np.random.Generator:
    # The reference's windows have negative numbers, and seeds have none.
    return np.random.default_rng([repetition, window + REFERENCE_WINDOWS, COLUMNS.index(column)])


def latent(stream: Stream, repetition: int, window: int, column: str, rows: int = ROWS) -> Numbers:
    """Return the latent numbers of one column in one window, before any change."""
    draw = _draw(repetition, window, column)
    if stream.cluster == 1:
        z = draw.standard_normal(rows)
    else:
        together = np.repeat(draw.standard_normal(rows // stream.cluster), stream.cluster)
        own = draw.standard_normal(rows)
        z = np.sqrt(stream.within) * together + np.sqrt(1 - stream.within) * own
    return z + stream.jitter * draw.standard_normal()


def column(stream: Stream, repetition: int, window: int, name: str, rows: int = ROWS) -> Values:
    """Return the values of one column in one window; windows below 0 are the reference's."""
    z = latent(stream, repetition, window, name, rows)
    if window < CHANGE or name not in stream.changed:
        return SHAPES[name](z)
    if stream.appears:
        new = np.random.default_rng([repetition, window, len(COLUMNS)]).random(rows) < stream.appears
        return np.where(new, "new", SHAPES[name](z))
    if stream.correlation:
        other = latent(stream, repetition, window, FIRST, rows)
        return SHAPES[name](stream.correlation * other + np.sqrt(1 - stream.correlation**2) * z)
    return SHAPES[name](stream.scale * z + stream.shift)


def window(stream: Stream, repetition: int, number: int, names: tuple[str, ...] = COLUMNS) -> dict[str, Values]:
    """Return one window of a stream, all columns or those named."""
    return {name: column(stream, repetition, number, name) for name in names}


def reference(stream: Stream, repetition: int, names: tuple[str, ...] = COLUMNS) -> dict[str, Values]:
    """Return the reference: 50 windows of the stream before it."""
    numbers = range(-REFERENCE_WINDOWS, 0)
    return {name: np.concatenate([column(stream, repetition, i, name) for i in numbers]) for name in names}


def shifted(repetition: int, part: int, rows: int, shift: float, names: tuple[str, ...] = COLUMNS) -> dict[str, Values]:
    """Return rows whose numeric columns are shifted by so many standard deviations."""
    found = {}
    for name in names:
        z = np.random.default_rng([repetition, part, COLUMNS.index(name), len(COLUMNS)]).standard_normal(rows)
        found[name] = SHAPES[name](z + shift if name in NUMERIC else z)
    return found
