"""Digests of the states of a few weeks of the demo's flights, which stay as they are from version to version.

Usage: python window_states.py FOLDER: writes ``states-0.1.0.json`` there. The one beside this file was made by version
0.1.0 at commit 513d103, see ``tests/store/data/write_store.py`` for how to install it. Scores come from a formula and
not from training, which may differ from one release of scikit-learn to the next.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

FILE = "states-0.1.0.json"
_REFERENCE = datetime(2013, 1, 7, tzinfo=UTC), datetime(2013, 1, 21, tzinfo=UTC)
_WEEKS = datetime(2013, 3, 4, tzinfo=UTC), datetime(2013, 5, 13, tzinfo=UTC)
_WEEK = timedelta(weeks=1)
_CONFIG = """\
store: {{url: ./data}}
models:
  flights:
    source: incoming/predictions/*.parquet
    labels: incoming/labels/*.parquet
    reference: {{from: 2013-01-07, to: 2013-01-21}}
    columns:
      {{id: id, time: time, prediction: prediction, score: score, label: label, version: version,
       features: [{features}]}}
    segments: [origin]
    positive: "1"
    windows: {{every: 1w, grain: 1w}}
    notify: []
"""


def digests(folder: Path) -> dict[str, str]:
    """Summarise the weeks in a project in ``folder`` and return a digest by window and column."""
    from watchkeeper.core.window import Window
    from watchkeeper.demo.flights import FEATURES, between, break_feed, load_flights
    from watchkeeper.run.project import open_project
    from watchkeeper.stats.codec import encode_state

    for name in ("predictions", "labels"):
        (folder / "incoming" / name).mkdir(parents=True)
    (folder / "watchkeeper.yaml").write_text(_CONFIG.format(features=", ".join(FEATURES)), encoding="utf-8")
    flights = load_flights()
    parts = [between(flights, *_REFERENCE), *(between(flights, week, week + _WEEK) for week in _WEEKS)]
    rows = pl.concat([*parts[:-1], break_feed(parts[-1])])
    score = ((pl.col("hour") * 3 + pl.col("weekday")) % 64 / 64 + 1 / 128).alias("score")
    answers = rows.with_columns(score, version=pl.lit("v1")).with_columns(prediction=(pl.col("score") >= 0.5).cast(int))
    answers.select("id", "time", *FEATURES, "score", "prediction", "version").write_parquet(
        folder / "incoming" / "predictions" / "0.parquet"
    )
    rows.select("id", "label").drop_nulls().write_parquet(folder / "incoming" / "labels" / "0.parquet")
    project = open_project(folder / "watchkeeper.yaml", {})
    project.run("flights", _WEEKS[-1] + _WEEK)
    ever = Window(_REFERENCE[0] - _WEEK, _WEEKS[-1] + 2 * _WEEK)
    held = {**project.store.states("flights", ever), **project.store.states("flights", None)}
    project.close()
    found: dict[str, list[bytes]] = {}
    for key, state in sorted(held.items(), key=str):
        window = f"{key.window.start:%Y-%m-%d}" if key.window else "reference"
        found.setdefault(f"{window} {key.column}", []).append(encode_state(state))
    return {name: hashlib.sha256(b"".join(blobs)).hexdigest()[:16] for name, blobs in sorted(found.items())}


if __name__ == "__main__":
    target = Path(sys.argv[1])
    text = json.dumps(digests(target / "project"), indent=1)
    (target / FILE).write_text(text + "\n", encoding="utf-8")
