"""What a configuration says of monitors leaves the defaults in place, unless it says only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import ConfigError
from watchkeeper.core.spec import Monitor
from watchkeeper.run.project import open_project

RNG = np.random.default_rng(0)
ROWS = pl.DataFrame({"x": RNG.normal(size=300), "z": RNG.normal(size=300), "plan": RNG.choice(["a", "b"], 300)})


def monitors(folder: Path, more: str = "") -> tuple[Monitor, ...]:
    ROWS.write_parquet(folder / "then.parquet")
    (folder / "watchkeeper.yaml").write_text(f"models:\n  m:\n    reference: then.parquet\n{more}")
    project = open_project(folder / "watchkeeper.yaml", {})
    try:
        return project.spec("m").monitors
    finally:
        project.close()


def test_a_chart_an_option_and_a_new_measure_are_given_beside_the_defaults(tmp_path: Path) -> None:
    usual = monitors(tmp_path)
    found = monitors(
        tmp_path,
        "    monitors:\n      also:\n"
        "        - {measure: ks, columns: [x], chart: ewma}\n"
        "        - {measure: null_rate, columns: [z], options: {least: 0.2}}\n"
        "        - {measure: psi, chart: shewhart}\n",
    )
    chart, option, new = found[-3:]
    assert (chart.measure, chart.columns, chart.chart) == ("ks", ("x",), "ewma")
    default = next(m for m in usual if m.measure == "null_rate")
    assert (option.chart, option.cause, option.columns) == (default.chart, default.cause, ("z",))
    assert option.options == {**default.options, "least": 0.2}
    assert (new.measure, new.columns) == ("psi", ())
    pairs = [(m.measure, c) for m in (*found[:-3], chart, option) for c in m.columns]
    assert sorted(pairs) == sorted((m.measure, c) for m in usual for c in m.columns), "nothing is lost or doubled"


def test_only_replaces_all_defaults(tmp_path: Path) -> None:
    found = monitors(tmp_path, "    monitors: {only: [{measure: ks, chart: tolerance}]}\n")
    assert [(m.measure, m.chart) for m in found] == [("ks", "tolerance")]
    assert monitors(tmp_path, "    monitors: {only: []}\n") == ()


def test_tolerances_of_the_configuration_reach_the_monitors(tmp_path: Path) -> None:
    found = monitors(tmp_path, "    tolerance: 0.1\n    tolerances: {x: 0.3}\n")
    told = {c: m.options["tolerance"] for m in found if m.measure == "ks" for c in m.columns}
    assert told == {"x": 0.3, "z": 0.1}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("    monitors: {also: [{measure: psi}]}\n",
         "watchkeeper.yaml:4: models.m.monitors.also.0.chart: is missing; no default monitor measures psi"),
        ("    monitors: {also: [{measure: ks, options: {tolerence: 1}}]}\n",
         "models.m.monitors.also.0.options.tolerence: the chart tolerance has no option 'tolerence'; did you mean"),
        ("    tolerances: {y: 0.1}\n", "yaml:4: models.m.tolerances: there is no column 'y'; Valid: plan, x, z"),
    ],
)  # fmt: skip
def test_what_is_off_is_told_with_its_line_and_key(tmp_path: Path, more: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        monitors(tmp_path, more)
    assert words in str(caught.value)
