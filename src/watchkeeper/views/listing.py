"""Measurements and signals as tables for a notebook."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.views.framed import framed, wanted
from watchkeeper.views.lines import Line
from watchkeeper.views.series import Series, mark_of
from watchkeeper.views.wording import count, period

__all__ = ["Listing", "listing"]

_ROW, _MOST_HEIGHT = 42, 640


@dataclass(frozen=True)
class Listing:
    """A table of signals that shows itself in a notebook; measurements appear as signals that no chart judged.

    Parameters
    ----------
    most
        Rows shown at most; the rest is counted.
    """

    signals: tuple[Signal, ...]
    most: int = 60

    @property
    def lines(self) -> list[Line]:
        """The rows in words."""
        return [Line.of(Series((signal,))) for signal in self.signals[: self.most]]

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        makers = {"text/html": self._html, "text/plain": self.__str__}
        return {mime: make() for mime, make in makers.items() if wanted(mime, include, exclude)}

    def _html(self) -> str:
        from watchkeeper.views.page import environment, style

        template = environment().get_template("listing.html")
        windows = [period(s.measurement.window) for s in self.signals[: self.most]]
        body = template.render(rows=list(zip(windows, self.lines, strict=True)), left=len(self.signals) - len(windows))
        height = min(_ROW * (len(windows) + 2), _MOST_HEIGHT)
        return framed(f"<style>{style()}</style>{body}", "Measurements", height=height)

    def __str__(self) -> str:
        rows = [
            (period(s.measurement.window), line.subject, line.measure, line.value, line.limits, line.n, line.mark.value)
            for s, line in zip(self.signals, self.lines, strict=False)
        ]
        header = ("window", "about", "measure", "value", "limits", "n", "state")
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (header, *rows)
        ]
        left = len(self.signals) - len(rows)
        return "\n".join(line.rstrip() for line in lines + ([f"and {count(left, 'more row')}"] if left > 0 else []))


def listing(nouns: Iterable[Measurement | Signal], *, most: int = 60) -> Listing:
    """Return measurements or signals as a table, signals worst first, measurements in the order given."""
    signals = [noun if isinstance(noun, Signal) else Signal(noun, "") for noun in nouns]
    return Listing(tuple(sorted(signals, key=lambda s: (mark_of(s).weight, -abs(s.score)))), most)
