"""Windows judged one after another, each going on from what the one before left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from watchkeeper.run.remembering import recalled, remembered

if TYPE_CHECKING:
    from watchkeeper.core.measurement import Measurement
    from watchkeeper.core.remembered import Remembered
    from watchkeeper.core.window import Window
    from watchkeeper.run.judging import Judging, States
    from watchkeeper.steps.judge import Judged, JudgeMemory

__all__ = ["Replayed", "replay"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One window of a replay.

    Attributes
    ----------
    revision
        How often it was measured before.
    measured, judged, states
        What was measured of it, what that was judged to be, and the states of its rows by segment and column.
    after
        What judging remembers after it, in the form that is stored.
    """

    window: Window
    revision: int
    measured: list[Measurement]
    judged: Judged
    states: States
    after: Remembered


def replay(
    judging: Judging,
    windows: Iterable[Window],
    memory: JudgeMemory,
    revision: Callable[[Window], int] = lambda _: 0,
    *,
    recorded: bool = True,
) -> Iterator[Replayed]:
    """Judge windows in order; the next is looked at when the one before was taken.

    A run that is due, one that catches up or goes back for late rows, a replay of history and a proof all come here.
    Nothing is written.

    Parameters
    ----------
    memory
        What judging remembered before the first of them.
    revision
        Tells how often a window was measured before.
    recorded
        Whether each window is recorded once it is taken. If not, that a memory was damaged stays to be told.
    """
    for window in windows:
        number = revision(window)
        measured, judged, states = judging.judged(window, memory, number)
        after = remembered(judged.watch, window)
        yield Replayed(window, number, measured, judged, states, after)
        # The next window goes on from what is stored, whether it is judged in this run or in another.
        kept = recalled(after, ())
        memory = kept if recorded else replace(kept, lost=memory.lost, damaged=memory.damaged)
