"""Mean and variance against NIST StRD certified values, https://www.itl.nist.gov/div898/strd/univ/homepage.html."""

import re
from functools import reduce
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind, NumericMap, Role
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.blocks import NumberSource
from watchkeeper.stats.moments import Moments, MomentsPart
from watchkeeper.stats.statistic import fold

NIST = Path(__file__).parents[3] / "shared" / "data" / "nist_strd"
SETS = ("Lew", "Lottery", "Mavro", "Michelso", "NumAcc1", "NumAcc2", "NumAcc3", "NumAcc4", "PiDigits")


def moments_of(values, map_=None):
    x = pl.Series("x", values, dtype=pl.Float64)
    column = Column("x", Role.FEATURE, Kind.NUMERIC, map=map_ or map_of(x))
    return fold(Moments(), column, NumberSource(x, column).blocks())


def digits(measured, certified):
    """Return the number of correct digits, as StRD scores software."""
    return 15.0 if measured == certified else -np.log10(abs(measured - certified) / abs(certified))


def num_acc(middle, low, high):
    return [middle] + [low, high] * 500


def test_numacc4_has_its_certified_mean_and_deviation():
    # NIST StRD NumAcc4: mean 10000000.2 and standard deviation 0.1, both exact; difficulty "higher".
    part = moments_of(num_acc(10000000.2, 10000000.1, 10000000.3))
    assert part.n == 1001
    assert digits(part.mean, 10000000.2) > 14
    # The inputs themselves are rounded to float64: NumAcc4 in 53 bits allows about 8.3 digits.
    assert digits(part.deviation, 0.1) > 8


def test_numacc3_has_its_certified_mean_and_deviation():
    part = moments_of(num_acc(1000000.2, 1000000.1, 1000000.3))
    assert digits(part.mean, 1000000.2) > 14
    assert digits(part.deviation, 0.1) > 9


def read_strd(path):
    """Return the values of a StRD file, and its certified mean and deviation, in either of its two layouts."""
    text = path.read_text()
    numbers = [line.strip() for line in re.split(r"\n#?\s*Data(?:: Y)?\s*\n", text)[-1].splitlines()]
    values = [float(line) for line in numbers if re.fullmatch(r"[-+.\dEe]+", line) and any(map(str.isdigit, line))]
    mean = re.search(r"(?:Sample Mean\s+ybar:|mean\s+=)\s*([-\d.Ee]+)", text)[1]
    deviation = re.search(r"(?:Sample Standard Deviation.*?s:|standardDeviation\s+=)\s*([-\d.Ee]+)", text)[1]
    return values, float(mean), float(deviation)


@pytest.mark.validation
@pytest.mark.parametrize("name", SETS)
def test_certified_values_of_nist_are_met(name):
    path = NIST / f"{name}.dat"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    values, mean, deviation = read_strd(path)
    assert len(values) == {
        "Lew": 200,
        "Lottery": 218,
        "Mavro": 50,
        "Michelso": 100,
        "NumAcc1": 3,
        "PiDigits": 5000,
    }.get(name, 1001)
    part = moments_of(values)
    assert digits(part.mean, mean) > 13.5
    assert digits(part.deviation, deviation) > {"NumAcc4": 8, "NumAcc3": 9, "Mavro": 12}.get(name, 13)


def test_a_variance_of_numbers_far_from_zero_is_not_lost():
    # Seconds since 1970, one apart: the variance of 1..n is n(n+1)/12.
    n = 10_001
    part = moments_of(1.7e9 + np.arange(n))
    assert part.variance == pytest.approx(n * (n + 1) / 12, rel=1e-12)


def test_merged_parts_have_the_variance_numpy_finds_on_all_rows():
    x = np.random.default_rng(3).lognormal(3, 1, 40_000)
    map_ = NumericMap(20.0, 5.0)
    part = reduce(Moments().merge, [moments_of(piece, map_) for piece in np.array_split(x, 7)])
    assert part.mean == pytest.approx(x.mean(), rel=1e-12)
    assert part.variance == pytest.approx(x.var(ddof=1), rel=1e-11)
    assert (part.smallest, part.largest) == (x.min(), x.max())


def test_moments_about_different_anchors_refuse_to_merge():
    with pytest.raises(StateError, match="one reference"):
        Moments().merge(MomentsPart(0.0, 1), MomentsPart(1.0, 1))


def test_one_row_has_a_mean_but_no_variance():
    part = moments_of([4.0])
    assert part.mean == 4.0
    assert np.isnan(part.variance)
    assert np.isnan(moments_of([]).mean)
