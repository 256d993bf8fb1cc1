"""What may be done to all values of a column at once: the transformations that are known, and where they make sense."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import e, log

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.evidence import Transformation, TransformationKind
from watchkeeper.schema.names import words_of

__all__ = ["LARGE", "KnownTransformation", "known_ratios", "known_transformations"]

Floats = NDArray[np.float64]
Kinds = TransformationKind

_LENGTH = frozenset(
    words_of(
        "altitude cm depth dist distance elevation feet foot ft height inch inches km kilometers kilometres length "
        "meters metres mi mile mileage miles radius range size travel traveled travelled trip visib visibility width"
    )
)
_MASS = frozenset(words_of("kg kilograms lb lbs load mass payload pounds weight wt"))
_VOLUME = frozenset(words_of("capacity displacement fuel gallon gallons litres liters tank volume vol"))
_SPEED = frozenset(words_of("gust kmh kph mph speed velocity wind windspeed"))
_ENERGY = frozenset(words_of("calories consumption demand energy kcal kwh"))
_PRESSURE = frozenset(words_of("barometer baro pres press pressure"))
_TIME = frozenset(
    words_of(
        "airtime day days delay dep duration elapsed hour hours hrs latency lag lead minute minutes mins seconds secs "
        "time uptime wait waiting"
    )
)
_CALENDAR = frozenset(words_of("age day days month months period tenure term week weeks year years"))
_ANGLE = frozenset(words_of("angle azimuth bearing deg degrees dir direction heading lat latitude lon longitude"))
_HEAT = frozenset(words_of("celsius dewp dewpoint fahrenheit heat kelvin temp temperature tmax tmin"))

_RATIOS: tuple[tuple[str, float, frozenset[str], bool], ...] = (
    ("units → tens", 0.1, frozenset(), True),
    ("units → hundreds", 0.01, frozenset(), True),
    ("units → thousands", 1e-3, frozenset(), True),
    ("units → millions", 1e-6, frozenset(), True),
    ("units → thousand millions", 1e-9, frozenset(), True),
    ("miles → kilometres", 1.609344, _LENGTH | _SPEED, True),
    ("feet → metres", 0.3048, _LENGTH, True),
    ("inches → centimetres", 2.54, _LENGTH, True),
    ("pounds → kilograms", 0.45359237, _MASS, True),
    ("gallons → litres", 3.785411784, _VOLUME, True),
    ("nautical miles → kilometres", 1.852, _LENGTH | _SPEED, False),
    ("ounces → grams", 28.349523125, _MASS, False),
    ("metres per second → kilometres per hour", 3.6, _SPEED, False),
    ("metres per second → miles per hour", 2.2369362920544, _SPEED, False),
    ("kilowatt hours → megajoules", 3.6, _ENERGY, False),
    ("kilocalories → kilojoules", 4.184, _ENERGY, False),
    ("inches of mercury → hectopascals", 33.8638866667, _PRESSURE, False),
    ("millimetres of mercury → hectopascals", 1.33322387415, _PRESSURE, False),
    ("hours → minutes", 60.0, _TIME, False),
    ("hours → seconds", 3600.0, _TIME, False),
    ("days → hours", 24.0, _TIME, False),
    ("days → seconds", 86400.0, _TIME, False),
    ("days → milliseconds", 86400e3, _TIME, False),
    ("weeks → days", 7.0, _CALENDAR, False),
    ("years → months", 12.0, _CALENDAR, False),
    ("years → days", 365.25, _CALENDAR, False),
    ("degrees → radians", 0.017453292519943295, _ANGLE, False),
)
"""Units, their factor, the words of a column that may have them, and whether a column of any name may."""

_AFFINE = {"°C → °F": (1.8, 32.0), "°C → K": (1.0, 273.15), "°F → K": (5 / 9, 459.67 * 5 / 9)}
_COLDEST, _HOTTEST = -95.0, 135.0
"""°C between which what is not in °C is no temperature either: the sea boils, and no place was ever colder."""

_OLDEST, _FIRST_YEAR = 125.0, 1850.0
LARGE, _YEARS = log(8.0), 10.0


@dataclass(frozen=True, slots=True)
class KnownTransformation:
    """A transformation that is known, and where it makes sense.

    Attributes
    ----------
    does
        What it does.
    lower, upper
        Values that a column has before, at least and at most.
    hinted
        Whether the name of the column says that it has such units.
    """

    does: Transformation
    lower: float = -np.inf
    upper: float = np.inf
    hinted: bool = False

    @property
    def linear(self) -> bool:
        """Whether it is a factor and an offset."""
        return self.does.kind not in (Kinds.LOGARITHM, Kinds.EXPONENT)

    def plausible(self, lower: float, upper: float) -> bool:
        """Return whether values between ``lower`` and ``upper`` may be turned so."""
        return self.lower <= lower and upper <= self.upper

    def apply(self, x: Floats) -> Floats:
        """Return the values after it, of any shape."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if self.does.kind is Kinds.LOGARITHM:
                return np.asarray(np.log(x + self.does.offset) / log(self.does.factor), float)
            if self.does.kind is Kinds.EXPONENT:
                return np.asarray(np.exp(x * log(self.does.factor)) - self.does.offset, float)
            return np.asarray(self.does.factor * x + self.does.offset, float)

    def inverse(self) -> KnownTransformation:
        """Return what undoes a logarithm or an exponent."""
        kind = Kinds.LOGARITHM if self.does.kind is Kinds.EXPONENT else Kinds.EXPONENT
        return KnownTransformation(replace(self.does, kind=kind))

    def margin(self, *, sudden: bool) -> float:
        """Return how far a factor must be told from others, on the logarithmic scale.

        Nobody's values grow to eight times what they were from one window to the next and stay the same but for that:
        beyond it is a quarter of the factor's own logarithm, ln 2 at most, and an eighth where no step was seen. There
        are so many units that any smaller factor is near one of them: there it is .03, and an eighth where the name
        speaks of such units and a step was seen.
        """
        size = abs(log(self.does.factor))
        if size >= LARGE:
            return min(size / (4 if sudden else 8), log(2))
        return max(size / 8, 0.03) if self.hinted and sudden else 0.03

    def neighbours(self, middle: float, *, sudden: bool = True) -> list[KnownTransformation]:
        """Return what it must be told apart from: less and more of the same, and growth by whatever leads as far.

        Of a ratio these are the factors a margin further and less far; of a logarithm the factor that moves the middle
        as far; of years of birth those of another year; of what has an offset too, what goes half
        as far and half as far again, and the factor and the shift that move the middle as far.
        """
        does = self.does
        if does.kind is Kinds.RATIO:
            return [_factor(does.factor * float(np.exp(side * self.margin(sudden=sudden)))) for side in (-1, 1)]
        moved = float(self.apply(np.array([middle]))[0])
        grown = [_factor(moved / middle)] if middle * moved > 0 else []
        if not self.linear:
            return grown
        if does.kind is Kinds.MIRROR:
            return [KnownTransformation(replace(does, offset=does.offset + years)) for years in (-_YEARS, _YEARS)]
        part = [_line(1 + w * (does.factor - 1), w * does.offset) for w in (0.5, 1.5)]
        if self.hinted:
            return part
        return [*part, *grown, *([_line(1.0, moved - middle)] if abs(does.factor) != 1 else [])]


def _line(factor: float, offset: float) -> KnownTransformation:
    return KnownTransformation(Transformation(Kinds.AFFINE, "", factor, offset))


def _factor(factor: float) -> KnownTransformation:
    return KnownTransformation(Transformation(Kinds.SCALE, "", factor))


def known_ratios(name: str) -> list[KnownTransformation]:
    """Return the factors between units that a column of this name may have, both ways, the usual ones first."""
    words, found = set(words_of(name)), []
    for units, factor, hints, anywhere in _RATIOS:
        hinted = not hints.isdisjoint(words)
        if not (hinted or anywhere):
            continue
        turned = " → ".join(reversed(units.split(" → ")))
        both = Transformation(Kinds.RATIO, units, factor), Transformation(Kinds.RATIO, turned, 1 / factor)
        found += [KnownTransformation(does, hinted=hinted) for does in both]
    return found


def known_transformations(name: str, year: int | None = None) -> list[KnownTransformation]:
    """Return the transformations that are known and may be those of a column of this name.

    Parameters
    ----------
    year
        Of the window under judgement, for years of birth; without it these are not tried.
    """
    found = known_ratios(name)
    hinted = not _HEAT.isdisjoint(words_of(name))
    for units, (factor, offset) in _AFFINE.items():
        first, second = units.split(" → ")
        turned = Transformation(Kinds.AFFINE, f"{second} → {first}", 1 / factor, -offset / factor)
        to_celsius = {"°C": (1.0, 0.0), "°F": (5 / 9, -160 / 9), "K": (1.0, -273.15)}
        for does, unit in ((Transformation(Kinds.AFFINE, units, factor, offset), first), (turned, second)):
            slope, shift = to_celsius[unit]
            low, high = ((end - shift) / slope for end in (_COLDEST, _HOTTEST))
            found.append(KnownTransformation(does, low, high, hinted))
    for born in (year - 1, year, year + 1) if year else ():
        age = Transformation(Kinds.MIRROR, "age → year of birth", -1.0, float(born))
        turned = Transformation(Kinds.MIRROR, "year of birth → age", -1.0, float(born))
        found += [KnownTransformation(age, 0.0, _OLDEST), KnownTransformation(turned, _FIRST_YEAR, born)]
    for base, words in ((e, "natural logarithm"), (10.0, "logarithm to base 10"), (2.0, "logarithm to base 2")):
        found += _logarithms(base, 0.0, words)
    return found + _logarithms(e, 1.0, "natural logarithm of 1 + x")


def _logarithms(base: float, added: float, words: str) -> list[KnownTransformation]:
    least = 0.0 if added else float(np.nextafter(0, 1))
    return [
        KnownTransformation(Transformation(Kinds.LOGARITHM, f"x → {words}", base, added), least),
        KnownTransformation(Transformation(Kinds.EXPONENT, f"{words} → x", base, added), -np.inf, 300 / log(base)),
    ]
