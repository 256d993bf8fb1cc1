"""Numbers as people read them: grouped, and rounded by what they are told for."""

from __future__ import annotations

from math import floor, isfinite, log10

__all__ = ["brief", "pair"]

_DIGITS, _LARGEST, _SMALLEST = 4, 1e9, 1e-4


def pair(before: float, after: float) -> tuple[str, str]:
    """Return two numbers to the digits that tell them apart: two of their difference, at most four of the larger.

    Examples
    --------
    >>> pair(36.0412, 40.5571), pair(1004.2, 1671.6), pair(1.4, 2.3), pair(0.003388, 0.01653)
    (('36.0', '40.6'), ('1,004', '1,672'), ('1.4', '2.3'), ('0.003', '0.017'))
    """
    largest = max(abs(before), abs(after))
    if not (isfinite(before) and isfinite(after)) or largest >= _LARGEST or largest < _SMALLEST:
        return brief(before), brief(after)
    if before == after:
        return brief(before), brief(after)
    apart = 1 - floor(log10(abs(after - before)))
    places = max(0, min(apart, max(_DIGITS - 1 - floor(log10(largest)), 0)))
    texts = [f"{value:,.{places}f}" for value in (before, after)]
    while places > 1 and all(text.endswith("0") for text in texts):
        texts, places = [text[:-1] for text in texts], places - 1
    if texts[0] == texts[1]:
        return brief(before), brief(after)
    if places and float(before).is_integer() and float(after).is_integer():
        texts = [text.split(".")[0] for text in texts]
    first, second = (text if value else "0" for text, value in zip(texts, (before, after), strict=True))
    return first, second


def brief(value: float, digits: int = _DIGITS) -> str:
    """Return a number with ``digits`` significant digits, its thousands grouped.

    Examples
    --------
    >>> brief(159245.0), brief(0.123456), brief(1.5e12)
    ('159,245', '0.1235', '1.5e+12')
    """
    if not isfinite(value) or not value or not _SMALLEST <= abs(value) < _LARGEST:
        return f"{value:.{digits}g}"
    places = max(0, digits - 1 - floor(log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
