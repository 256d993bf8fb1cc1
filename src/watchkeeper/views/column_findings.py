"""What a report knows of one column."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from watchkeeper.core.errors import NoSuchColumnError, UsageError, near_miss
from watchkeeper.core.schema import ALL
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import OUTCOME
from watchkeeper.views.findings import Findings
from watchkeeper.views.framed import wanted
from watchkeeper.views.listing import listing
from watchkeeper.views.plot import Plot, column_chart, series_chart
from watchkeeper.views.series import series_of
from watchkeeper.words.alerts import alert_sentence

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ColumnFindings", "columns_of", "findings_of", "plot_of"]


@dataclass(frozen=True, repr=False)
class ColumnFindings:
    """The part of a report that is about one column: its alerts, its numbers, its chart.

    Attributes
    ----------
    name
        The column.
    part
        The report with nothing of other columns in it.
    """

    name: str
    part: Findings

    @property
    def alerts(self) -> tuple[Any, ...]:
        """The alerts that name it, worst first."""
        return self.part.worst_alerts

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The judged numbers about it."""
        return self.part.signals

    def to_frame(self) -> pl.DataFrame:
        """Return its numbers as a Polars table, as the report does for all columns."""
        from watchkeeper.views.measurement_table import measurement_frame

        return measurement_frame(self.part)

    def to_pandas(self) -> Any:
        """Return its numbers as a pandas table."""
        from watchkeeper.views.measurement_table import pandas_frame

        return pandas_frame(self.to_frame())

    def plot(self) -> Plot:
        """Return its distribution over that of the reference."""
        return plot_of(self.part, self.name)

    def __repr__(self) -> str:
        return f"<ColumnFindings of {self.name!r}: {len(self.alerts)} alerts, {len(self.signals)} judged numbers>"

    def __str__(self) -> str:
        told = [alert_sentence(alert) for alert in self.alerts] or [f"{self.name}: no alert"]
        return "\n".join([*told, "", str(listing(self.signals or self.part.measurements))])

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        shown = listing(self.signals or self.part.measurements)._repr_mimebundle_({"text/html"})
        makers = {"text/html": lambda: shown["text/html"], "text/plain": self.__str__}
        return {mime: make() for mime, make in makers.items() if wanted(mime, include, exclude)}


def columns_of(findings: Findings) -> list[str]:
    """Return the columns that a report says anything of, in the order of the log."""
    described = [column.name for column in findings.schema] if findings.schema else []
    states = [key.column for side in (findings.current, findings.reference) for key in side]
    numbers = [m.column for m in (*(s.measurement for s in findings.signals), *findings.measurements)]
    return [name for name in dict.fromkeys((*described, *states, *numbers)) if name and not name.startswith(_INNER)]


def findings_of(findings: Findings, column: str) -> ColumnFindings:
    """Return what a report knows of one column.

    Raises
    ------
    NoSuchColumnError
        When the report knows no such column.
    """
    known = columns_of(findings)
    if column not in known:
        raise NoSuchColumnError(f"the report has no column {column!r}; {near_miss(str(column), known)}")
    part = replace(
        findings,
        alerts=tuple(alert for alert in findings.alerts if column in alert.columns),
        signals=tuple(s for s in findings.signals if s.measurement.column == column),
        measurements=tuple(m for m in findings.measurements if m.column == column),
        reference={key: state for key, state in findings.reference.items() if key.column == column},
        current={key: state for key, state in findings.current.items() if key.column == column},
    )
    return ColumnFindings(column, part)


def plot_of(findings: Findings, name: str) -> Plot:
    """Return the chart of a column, or of a metric over its windows.

    Raises
    ------
    NoSuchColumnError
        When the report knows neither a column nor a metric of this name.
    UsageError
        When there is nothing to draw of it.
    """
    columns = columns_of(findings)
    rows = [s for s in series_of(findings.signals) if s.newest.measurement.segment == ALL]
    metrics = {s.newest.measurement.name: s for s in reversed(rows) if s.newest.measurement.column in ("", OUTCOME)}
    if name not in columns and name not in metrics:
        raise NoSuchColumnError(
            f"the report has no column or metric {name!r}; {near_miss(str(name), [*columns, *metrics])}"
        )
    chart = column_chart(name, findings) if name in columns else series_chart(metrics[name], findings)
    own = [s for s in rows if s.newest.measurement.column == name]
    chart = chart or next((made for one in own if (made := series_chart(one, findings))), None)
    if chart is None:
        raise UsageError(
            f"there is nothing to draw of {name!r}: neither rows of both sides nor several windows are known"
        )
    return Plot.of(chart)


_INNER = "@"
