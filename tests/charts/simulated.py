"""Run lengths by simulation, many series at once, with what the charts themselves step by."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.cusum import summed
from watchkeeper.charts.ewma import smoothed
from watchkeeper.charts.run_rules import LONGEST, broken
from watchkeeper.charts.shiryaev_roberts import accumulated

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
Step = Callable[[Floats, Floats], tuple[Floats, NDArray[np.bool_]]]

TYPES = {"1": (), "2": ("two_of_three",), "3": ("four_of_five",), "4": ("eight_in_a_row",)}


def run_lengths(start: Floats, draw: Draw, step: Step, count: int, rng: np.random.Generator) -> Floats:
    """Number of points until each of ``count`` series signals; ``start`` is the state of one."""
    state = np.repeat(start[None], count, axis=0)
    lengths, alive, number = np.zeros(count), np.arange(count), 0
    while len(alive):
        number += 1
        state, fired = step(state, draw(rng, len(alive)))
        if fired.any():
            lengths[alive[fired]] = number
            alive, state = alive[~fired], state[~fired]
    return lengths


def normal(shift: float, size: int = 0) -> Draw:
    if size:
        return lambda rng, n: np.concatenate(
            [shift + rng.standard_normal((n, 1)), rng.standard_normal((n, size - 1))], 1
        )
    return lambda rng, n: shift + rng.standard_normal(n)


def ewma(weight: float, factor: float) -> tuple[Floats, Step]:
    limit = factor * sqrt(weight / (2 - weight))

    def step(q: Floats, z: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        q = smoothed(q, z, weight)
        return q, np.abs(q) > limit

    return np.array(0.0), step


def cusum(k: float, h: float, sides: tuple[float, ...] = (1.0, -1.0), head: float = 0.0) -> tuple[Floats, Step]:
    signs = np.array(sides)

    def step(sums: Floats, z: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        sums = summed(sums, z[:, None] * signs, k)
        return sums, (sums > h).any(1)

    return np.full(len(sides), head), step


def shiryaev_roberts(k: float, g: float) -> tuple[Floats, Step]:
    def step(log_r: Floats, z: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        log_r = accumulated(log_r, z, k)
        return log_r, log_r > g

    return np.array(-30.0), step


def rules(digits: str) -> tuple[Floats, Step]:
    """Three sigma and the run rules of Champ and Woodall by their numbers."""
    names = [name for digit in digits for name in TYPES[digit]]

    def step(recent: Floats, z: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        recent = np.concatenate([recent[:, 1:], z[:, None]], axis=1)
        fired = np.abs(z) > 3
        for name in names:
            fired |= broken(recent, name)
        return recent, fired

    return np.full(LONGEST, np.nan), step


def mewma(weight: float, limit: float, size: int) -> tuple[Floats, Step]:
    def step(q: Floats, z: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        q = smoothed(q, z, weight)
        return q, (q**2).sum(1) * (2 - weight) / weight > limit

    return np.zeros(size), step


def simulate(family: str, params: str, mu: float, source: str, count: int, rng: np.random.Generator) -> Floats:
    """Run lengths of a row of the reference file."""
    pairs = [part.split("=") for part in params.split(",") if "=" in part]
    p = {name: float(value) for name, value in pairs if value.replace(".", "").lstrip("-").isdigit()}
    draw = normal(mu)
    match family:
        case "ewma_two_sided":
            start, step = ewma(p["lambda"], p["L"])
        case "cusum_two_sided" | "cusum_two_sided_fir":
            start, step = cusum(p["k"], p["h"], head=p.get("hs", 0.0))
        case "cusum_one_sided":
            start, step = cusum(p["k"], p["h"], (1.0,))
        case "shiryaev_roberts":
            start, step = shiryaev_roberts(p["k"], log(390))
        case "shewhart_run_rules":
            start, step = rules(params.removeprefix("type=").split(" ")[0])
        case "mewma":
            size = int(p["p"])
            start, step = mewma(p["r"], p["h4"] if "h4" in p else float(source.split("h4=")[1]), size)
            draw = normal(mu, size)
        case "s2_ewma_upper":
            # Knoth 2005: the limit is 1 + c·√(λ/(2 - λ))·√(2/df), the chart starts at 1 and watches one side.
            start, both = ewma(p["lambda"], p["c"] * sqrt(2 / p["df"]))
            start, draw = start + 1.0, lambda r, n: mu**2 * r.chisquare(p["df"], n) / p["df"]
            top = 1 + p["c"] * sqrt(2 / p["df"]) * sqrt(p["lambda"] / (2 - p["lambda"]))

            def step(q: Floats, z: Floats) -> tuple[Floats, NDArray[np.bool_]]:
                q, _ = both(q, z)
                return q, q > top

        case "binomial_ewma":
            # μ is the share of the rows; the average is rounded to a whole number.
            def step(q: Floats, z: Floats) -> tuple[Floats, NDArray[np.bool_]]:
                q = np.rint(smoothed(q, z, p["lambda"]))
                return q, q > p["hu"]

            start, draw = np.array(p["n"] * 0.1), lambda r, n: r.binomial(int(p["n"]), mu, n).astype(float)
        case "poisson_cusum_upper":
            # The sum moves in steps of 1/m and signals beyond h: 438.125 by its Markov chain, 417.458 on h as well.
            start, step = cusum(p["km"] / p["m"], p["hm"] / p["m"] + 1e-9, (1.0,))
            draw = lambda r, n: r.poisson(p["mu0"], n).astype(float)  # noqa: E731
        case _:
            raise AssertionError(family)
    return run_lengths(start, draw, step, count, rng)


def spread(lengths: Floats) -> float:
    """Standard error of the mean."""
    return float(lengths.std(ddof=1)) / exp(log(len(lengths)) / 2)
