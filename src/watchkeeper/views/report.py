"""The report as one object that shows itself wherever it lands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchkeeper.core.encode import as_json, as_values
from watchkeeper.views.findings import Findings, Verdict
from watchkeeper.views.framed import framed, wanted

if TYPE_CHECKING:
    import polars as pl

    from watchkeeper.views.column_findings import ColumnFindings
    from watchkeeper.views.documents import ReportDocument
    from watchkeeper.views.plot import Plot

__all__ = ["Report", "Verdict"]

_HEIGHT = 720
"""Pixels of a report in a notebook: the verdict and what needs doing; the rest scrolls."""


@dataclass(frozen=True, repr=False)
class Report(Findings):
    """Findings that show themselves: in a notebook, as a page, as JSON and on a terminal.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> report = Report("Flights", "delays", Verdict.OK, datetime(2013, 6, 3, tzinfo=UTC), "Nothing changed.")
    >>> report.json()["verdict"]
    'ok'
    >>> report
    <Report 'Flights': ok, 0 alerts, 0 measurements>
    """

    def html(self) -> str:
        """Return the report as one self-contained page."""
        from watchkeeper.views.page import report_html

        return report_html(self)

    def document(self) -> ReportDocument:
        """Return the report for programs."""
        from watchkeeper.views.report_json import report_document

        return report_document(self)

    def json(self) -> dict[str, Any]:
        """Return the report as JSON values, with a ``schema_version``."""
        values: dict[str, Any] = as_values(self.document())
        return values

    def to_frame(self) -> pl.DataFrame:
        """Return every number as a Polars table: one row each, worst first."""
        from watchkeeper.views.measurement_table import measurement_frame

        return measurement_frame(self)

    def to_pandas(self) -> Any:
        """Return every number as a pandas table, where pandas is installed."""
        from watchkeeper.views.measurement_table import pandas_frame

        return pandas_frame(self.to_frame())

    def plot(self, column: str) -> Plot:
        """Return a column's distribution over that of the reference, or a metric over its windows, as a chart.

        Raises
        ------
        NoSuchColumnError
            When there is neither a column nor a metric of this name.
        UsageError
            When there is nothing to draw of it.
        """
        from watchkeeper.views.column_findings import plot_of

        return plot_of(self, column)

    def save(self, path: str | Path) -> Path:
        """Write the report as a page (``.html``), for programs (``.json``) or as a picture (``.png``).

        Raises
        ------
        UsageError
            When the name of the file ends otherwise, or the file cannot be written.
        """
        from watchkeeper.views.plot import report_picture, written_as

        makers = {
            ".html": lambda: self.html().encode(),
            ".json": lambda: as_json(self.document(), indent=2).encode(),
            ".png": lambda: report_picture(self).png(),
        }
        return written_as(path, makers)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it says anything of."""
        from watchkeeper.views.column_findings import columns_of

        return tuple(columns_of(self))

    def __getitem__(self, column: str) -> ColumnFindings:
        """Return what is known of one column.

        Raises
        ------
        NoSuchColumnError
            When there is no such column; it is a ``KeyError``.
        """
        from watchkeeper.views.column_findings import findings_of

        return findings_of(self, column)

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __repr__(self) -> str:
        counted = f"{len(self.alerts)} alerts, {len(self.measurements)} measurements"
        return f"<Report {self.title!r}: {self.verdict.value}, {counted}>"

    def __str__(self) -> str:
        from watchkeeper.views.terminal import plain

        return plain(self)

    def __rich__(self) -> Any:
        from watchkeeper.views.terminal import report_text

        return report_text(self)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        from watchkeeper.views.page import report_fragment
        from watchkeeper.views.terminal import plain

        makers: dict[str, Callable[[], str]] = {
            "text/html": lambda: framed(report_fragment(self), self.title, height=_HEIGHT),
            "text/plain": lambda: plain(self),
        }
        return {mime: make() for mime, make in makers.items() if wanted(mime, include, exclude)}
