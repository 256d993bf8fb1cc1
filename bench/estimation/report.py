"""The page of estimates."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from bench.estimation.ours import Blocks
from bench.report import machine

METRICS = ("auroc", "accuracy", "precision", "recall", "f1", "average_precision", "log_loss", "brier")
LOSSES = ("mae", "mse", "rmse", "mape")
METHODS = ("default", "scores", "cbpe", "pape", "multicalibrated", "dle", "nannyml")
CANDIDATES = ("pape", "multicalibrated")
TARGETS = {
    "auroc": 0.0021 * 1.1,
    "accuracy": 0.0031 * 1.1,
    "f1": 0.0026 * 1.1,
    "precision": 0.0080 * 1.1,
    "recall": 0.006,
}


@dataclass
class Outcome:
    """What was estimated and realised on one set."""

    name: str
    use: str
    what: str
    found: Blocks
    realised: dict[str, list[float]]
    seconds: dict[str, float]

    def error(self, method: str, metric: str) -> float | None:
        """Return the mean absolute error over the blocks."""
        pairs = self._pairs(method, metric)
        return float(np.mean([abs(row[0] - truth) for row, truth in pairs])) if pairs else None

    def covered(self, method: str, metric: str) -> list[bool]:
        """Return for each block whether the realised value lies in the band."""
        return [row[1] <= truth <= row[2] for row, truth in self._pairs(method, metric)]

    def _pairs(self, method: str, metric: str) -> list[tuple[Any, float]]:
        rows = self.found.get(method, {}).get(metric, [])
        known = zip(rows, self.realised.get(metric, []), strict=False)
        return [(row, truth) for row, truth in known if row is not None and isfinite(truth)]


def render(
    outcomes: list[Outcome], speed: dict[str, Any], concept: dict[str, dict[str, float]], version: str, seconds: float
) -> str:
    """Return the page."""
    lines = [
        "# Estimated against realised performance",
        "",
        "Written by `make bench-estimation`; do not edit. Every number is computed from that run; the sets follow from",
        "their seeds, or are those in ../shared/data. Labels of the blocks are hidden from every method. Errors are",
        "mean absolute differences of estimate and realised value over the blocks; coverage is the share of realised",
        f"values inside the 95 % band. NannyML {version or 'could not be installed'} runs with its defaults.",
        "",
        f"Machine: {machine()}; {seconds / 60:.0f} minutes.",
        "",
        *_targets(outcomes),
        *_coverage(outcomes),
        *_speed(speed),
        *_concept(concept),
        "## How the default was chosen",
        "",
        "For each metric and method the errors as multiples of CBPE's: their geometric mean over the generated sets",
        "for choosing, over the real ones, and the worst. A method replaces CBPE where it lowers the error on",
        "generated sets, raises it by no more than a twentieth on the real ones, and is on none more than half as bad",
        "again; of several the one with the smallest mean. No set for showing took part; the last column says what the",
        "choice does on those.",
        "",
        *_choice(outcomes),
        "## Errors",
        "",
        *(line for outcome in outcomes for line in _set(outcome)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"


def _targets(outcomes: list[Outcome]) -> list[str]:
    loan = next((one for one in outcomes if one.name == "car loan"), None)
    if loan is None:
        return ["## Car loan", "", "The data are not present.", ""]
    lines = [
        "## Car loan: what was wanted of the default",
        "",
        "| metric | wanted at most | default | NannyML | kept |",
    ]
    lines.append("|---|--:|--:|--:|---|")
    for metric, wanted in TARGETS.items():
        got = loan.error("default", metric)
        kept = "yes" if got is not None and got <= wanted + 5e-5 else "**no**"
        lines.append(
            f"| {metric} | {wanted:.4f} | {_number(got)} | {_number(loan.error('nannyml', metric))} | {kept} |"
        )
    return [*lines, ""]


def _coverage(outcomes: list[Outcome]) -> list[str]:
    lines = [
        "## Coverage of the 95 % bands",
        "",
        "`default` is what rows and scores give, `scores` what counts by score alone do (`estimate: scores`). Over all",
        "blocks of all sets, and of the sets where P(label | features) is known to stay what it was: those that are",
        "generated or drawn by features. No band can hold a change of concept that neither reference nor features",
        "show. Every reference is cut into 20 blocks in the order of its rows. The width is the median of upper less",
        "lower end, in which methods differ as well.",
        "",
        "| metric | blocks | default | scores | NannyML | width | NannyML's | blocks | default | scores | NannyML |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    stable = [
        o for o in outcomes if "generated" in o.name or "drawn" in o.name or o.name in ("three classes", "prices")
    ]
    for metric in (*METRICS, *LOSSES):
        cells = []
        for group in (outcomes, stable):
            hits = {m: [hit for o in group for hit in o.covered(m, metric)] for m in ("default", "scores", "nannyml")}
            cells += [str(len(hits["default"])), *(f"{np.mean(h):.1%}" if h else "–" for h in hits.values())]
            if group is outcomes:
                cells += [_width(outcomes, method, metric) for method in ("default", "nannyml")]
        lines.append(f"| {metric} | {' | '.join(cells)} |")
    return [*lines, ""]


def _width(outcomes: list[Outcome], method: str, metric: str) -> str:
    rows = [row for o in outcomes for row in o.found.get(method, {}).get(metric, []) if row is not None]
    return _number(float(np.nanmedian([row[2] - row[1] for row in rows]))) if rows else "–"


def _speed(speed: dict[str, Any]) -> list[str]:
    lines = [
        f"## {speed['rows']:,} rows in blocks of 5,000, after a reference as long",
        "",
        "| system | learning or summarising, s | estimating, s | together, s | processor, s |",
        "|---|--:|--:|--:|--:|",
    ]
    for method, found in speed["ours"].items():
        total = found["summarise"] + found["estimate"]
        seconds = (found["summarise"], found["estimate"], total, found["processor"])
        lines.append(f"| Watchkeeper, {method} | {' | '.join(f'{value:.2f}' for value in seconds)} |")
    theirs = speed["nannyml"]
    if "fit" in theirs:
        total = theirs["fit"] + theirs["estimate"]
        lines.append(f"| NannyML, CBPE | {theirs['fit']:.2f} | {theirs['estimate']:.2f} | {total:.2f} | – |")
    lines += [
        "",
        "Summarising folds every statistic of every column, which drift and quality use too; what is learnt of",
    ]
    return [*lines, "the reference for an estimator counts as estimating.", ""]


def _concept(concept: dict[str, dict[str, float]]) -> list[str]:
    lines = [
        "## Concept shift without covariate shift",
        "",
        "Accuracy in windows of 5,000 rows whose labels follow another rule while the features stay; 200 labels a",
        "window for `prediction_powered`, none for the others. They cannot see it, and say so with every estimate.",
        "",
        "| method | mean estimate | mean realised | mean absolute error | coverage |",
        "|---|--:|--:|--:|--:|",
    ]
    for method, found in concept.items():
        numbers = (_number(found[name]) for name in ("estimate", "realised", "error"))
        lines.append(f"| {method} | {' | '.join(numbers)} | {found['covered']:.0%} |")
    return [*lines, ""]


def _choice(outcomes: list[Outcome]) -> list[str]:
    lines = [
        "| metric | method | generated | real | worst | chosen | on sets for showing |",
        "|---|---|--:|--:|--:|---|--:|",
    ]
    for metric in METRICS:
        means: dict[str, float] = {}
        cells: dict[str, str] = {}
        for method in CANDIDATES:
            made, real, shown = (
                _ratios(outcomes, method, metric, use, kind)
                for use, kind in (("choosing", True), ("choosing", False), ("showing", None))
            )
            worst = max([*made, *real], default=float("nan"))
            averages = [float(np.exp(np.mean(np.log(r)))) if r else float("nan") for r in (made, real, shown)]
            if averages[0] < 1 and averages[1] <= 1.05 and worst <= 1.5:
                means[method] = float(np.mean(np.log([*made, *real])))
            cells[method] = " | ".join(f"{value:.2f}" for value in (*averages[:2], worst))
            cells[f"{method} shown"] = f"{averages[2]:.2f}"
        best = min(means, key=lambda name: means[name]) if means else ""
        for method in CANDIDATES:
            mark = "yes" if method == best else ""
            lines.append(f"| {metric} | {method} | {cells[method]} | {mark} | {cells[f'{method} shown']} |")
    return [*lines, ""]


def _ratios(outcomes: list[Outcome], method: str, metric: str, use: str, generated: bool | None) -> list[float]:
    """Return the errors as multiples of CBPE's on the sets of one use and, if asked, one kind."""
    chosen = [o for o in outcomes if o.use == use and generated in (None, "generated" in o.name)]
    pairs = [(o.error(method, metric), o.error("cbpe", metric)) for o in chosen]
    return [a / b for a, b in pairs if a is not None and b]


def _set(outcome: Outcome) -> list[str]:
    metrics = [m for m in (*METRICS, *LOSSES) if any(outcome.error(method, m) is not None for method in METHODS)]
    lines = [f"### {outcome.name}", "", f"For {outcome.use}: {outcome.what}. Error, and coverage in brackets.", ""]
    lines += ["| method | " + " | ".join(metrics) + " |", "|---" + "|--:" * len(metrics) + "|"]
    for method in METHODS:
        if method not in outcome.found:
            continue
        cells = []
        for metric in metrics:
            error, hits = outcome.error(method, metric), outcome.covered(method, metric)
            cells.append("–" if error is None else f"{_number(error)} ({np.mean(hits):.0%})")
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return [*lines, ""]
