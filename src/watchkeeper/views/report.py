"""The report as one object that shows itself wherever it lands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from watchkeeper.core.encode import as_values
from watchkeeper.views.findings import Findings, Verdict

if TYPE_CHECKING:
    from watchkeeper.views.documents import ReportDocument

__all__ = ["Report", "Verdict"]


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

        makers = {"text/html": report_fragment, "text/plain": plain}
        return {mime: make(self) for mime, make in makers.items() if wanted(mime, include, exclude)}


def wanted(mime: str, include: Collection[str] | None, exclude: Collection[str] | None) -> bool:
    """Return whether a notebook asks for a form."""
    return (not include or mime in include) and mime not in (exclude or ())
