"""What a window is compared with, where that is not the model's reference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from watchkeeper.core.errors import UsageError
from watchkeeper.core.window import Window, parse_duration

__all__ = ["Against", "parse_against"]

_SEASONS = 4
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Against:
    """Earlier windows that together serve as a reference.

    Parameters
    ----------
    step
        How far apart they are; None for the length of the window itself.
    count
        How many there are.
    """

    step: timedelta | None
    count: int

    def windows(self, window: Window) -> tuple[Window, ...]:
        """Return the windows that ``window`` is compared with, the newest first."""
        step = self.step or window.end - window.start
        return tuple(Window(window.start - i * step, window.end - i * step) for i in range(1, self.count + 1))


def parse_against(text: str) -> Against | None:
    """Read what to compare with; empty and ``fixed`` mean the model's own reference, which is None.

    Parameters
    ----------
    text
        ``previous`` for the window before; ``last:4`` for the last four together; ``season:7d`` for the windows 7, 14,
        21 and 28 days before together, which are those of the same weekday.

    Raises
    ------
    UsageError
        When it is none of these.

    Examples
    --------
    >>> parse_against("season:7d")
    Against(step=datetime.timedelta(days=7), count=4)
    """
    kind, _, value = text.partition(":")
    if text in ("", "fixed"):
        return None
    if text == "previous":
        return Against(None, 1)
    if kind == "last" and value.isdigit() and 1 <= int(value) <= _MOST:
        return Against(None, int(value))
    if kind == "season":
        return Against(parse_duration(value), _SEASONS)
    raise UsageError(
        f"{text!r} names nothing to compare with; valid: fixed, previous, last:N (1 to {_MOST}), and season:LENGTH "
        "such as season:7d"
    )
