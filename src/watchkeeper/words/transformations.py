"""What was done to all values of a column, in words."""

from __future__ import annotations

from datetime import datetime

from watchkeeper.core.evidence import Transformation, TransformationKind

__all__ = ["day_words", "transformation_words"]

Kinds = TransformationKind


def transformation_words(does: Transformation) -> str:
    """Return what was done, as the rest of a sentence about the column.

    Examples
    --------
    >>> transformation_words(Transformation(Kinds.RATIO, "miles → kilometres", 1.609344))
    'is 1.609 times what it was (miles → kilometres)'
    """
    since = f" since {day_words(does.since)}" if does.since else ""
    return f"{_done(does)}{since}"


def _done(does: Transformation) -> str:
    units = f" ({does.units})" if does.units else ""
    if does.kind is Kinds.SWAP:
        return f"looks as {does.column} did, and {does.column} as it did: they changed places"
    if does.kind is Kinds.MIRROR:
        return f"is {does.offset:g} less what it was{units}"
    if does.kind in (Kinds.LOGARITHM, Kinds.EXPONENT):
        return f"is written in another form than it was{units}"
    if does.kind is Kinds.SCALE:
        return f"is {does.factor:.3g} times what it was, small and large values alike"
    if not does.offset:
        return f"is {does.factor:.4g} times what it was{units}"
    times = "what it was" if does.factor == 1 else f"{does.factor:.4g} times what it was"
    return f"is {times}, {'plus' if does.offset > 0 else 'less'} {abs(does.offset):.5g}{units}"


def day_words(at: datetime) -> str:
    """Return a day as it is said, with the time where it is not midnight.

    Examples
    --------
    >>> day_words(datetime(2024, 3, 9)), day_words(datetime(2024, 3, 9, 14))
    ('9 March', '9 March 14:00')
    """
    day = f"{at.day} {at:%B}"
    return day if (at.hour, at.minute) == (0, 0) else f"{day} {at:%H:%M}"
