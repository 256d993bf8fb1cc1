"""What every framework must obey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import PluginError, TrainingError
from watchkeeper.maintain.framework import Framework, Lesson, Trust

__all__ = ["check_framework"]

_ROWS, _COLUMNS = 400, 4
_TRUST = Trust()
_PARAMETERS: dict[str, str | int | float | bool] = {}


def check_framework(framework: Framework, **parameters: str | float | bool) -> None:
    """Assert that a framework obeys its contract, with two classes, with three, and in a regression.

    Checked: it recognises its own models and no other; probabilities lie between 0 and 1 and sum to one; answers are as
    many as rows, none for no row, and the same whatever rows are asked beside; it has learned; the same seed gives the
    same answers; a model that was written and read answers as before, to the last bit; its file does not depend on when
    it is written; a file that was cut short or emptied is refused with an error and not loaded; each way to go on
    gives another model and leaves the one it goes on from as it was. One that cannot be trained has a method
    ``trial(inputs, classes)`` that returns a model.

    Parameters
    ----------
    framework
        The plug-in.
    parameters
        What it is set to, so that a trial takes little time.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    assert isinstance(framework, Framework), "it lacks a member of the protocol Framework"
    assert not framework.recognises(object()), f"{framework.name} takes any object for a model of its own"
    for classes in (2, 3, 0):
        lesson = _lesson(classes, parameters)
        trial: Callable[[int, int], Any] | None = getattr(framework, "trial", None)
        model = framework.fit(lesson) if trial is None else trial(_COLUMNS, classes)
        where = f"{framework.name} with {classes} classes"
        assert framework.recognises(model), f"{where} does not recognise its own model"
        answers = _check_answers(framework, model, lesson, where)
        if trial is None:
            _check_learned(answers, lesson, where)
            again = framework.predict(framework.fit(lesson), lesson.x, classes)
            assert np.array_equal(again, answers), f"{where}: the same seed gives other answers"
        _check_files(framework, model, lesson, answers, where)
        for way in framework.ways:
            _check_way(framework, model, classes, parameters, answers, f"{where}: {way}", way)


def _lesson(classes: int, parameters: Any, turned: float = 1.0, way: str = "refit") -> Lesson:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(_ROWS, _COLUMNS))
    value = turned * x[:, 0] + 0.5 * x[:, 1] + 0.1 * rng.normal(size=_ROWS)
    y: NDArray[Any] = value
    if classes:
        y = np.searchsorted(np.quantile(value, np.arange(1, classes) / classes), value).astype(np.int64)
    return Lesson(x, y, classes, parameters={**_PARAMETERS, **parameters}, seed=3, way=way)


def _check_answers(framework: Framework, model: Any, lesson: Lesson, where: str) -> NDArray[np.float64]:
    answers = framework.predict(model, lesson.x, lesson.classes)
    shape = (_ROWS, lesson.classes) if lesson.classes else (_ROWS,)
    assert answers.shape == shape, f"{where} answers in the shape {answers.shape}, not {shape}"
    assert np.all(np.isfinite(answers)), f"{where} answers with what is no number"
    if lesson.classes:
        assert answers.min() >= 0, f"{where} answers with a negative probability"
        assert np.allclose(answers.sum(axis=1), 1.0, atol=1e-5), f"{where}: probabilities do not sum to one"
    half = framework.predict(model, lesson.x[: _ROWS // 2], lesson.classes)
    assert np.allclose(half, answers[: _ROWS // 2], atol=1e-5), f"{where} answers otherwise beside other rows"
    return answers


def _check_learned(answers: NDArray[np.float64], lesson: Lesson, where: str) -> None:
    if lesson.classes:
        right = float(np.mean(answers.argmax(axis=1) == lesson.y))
        assert right > 0.7, f"{where} is right about {right:.0%} of the rows that it has learned from"
    else:
        lost = float(np.mean((answers - lesson.y) ** 2) / np.var(lesson.y))
        assert lost < 0.3, f"{where} leaves {lost:.0%} of the variance of the rows that it has learned from"


def _check_files(framework: Framework, model: Any, lesson: Lesson, answers: NDArray[np.float64], where: str) -> None:
    files = dict(framework.save(model, _TRUST))
    assert files == dict(framework.save(model, _TRUST)), f"{where}: the same model is written in two ways"
    assert not any(name.endswith((".pickle", ".pkl")) for name in files), f"{where} is written as a pickle, unasked"
    loaded = framework.load(files, _TRUST)
    assert framework.recognises(loaded), f"{where} does not recognise the model that it has read"
    again = framework.predict(loaded, lesson.x, lesson.classes)
    assert np.array_equal(again, answers), f"{where} answers otherwise once it was written and read"
    largest = max(files, key=lambda name: len(files[name]))
    for broken in (files[largest][: len(files[largest]) // 3], b""):
        try:
            framework.load({**files, largest: broken}, _TRUST)
        except PluginError:
            raise
        except Exception:  # noqa: BLE001, S112 - whatever the package raises; who loads says what it means
            continue
        raise AssertionError(f"{where}: a file of {len(broken)} bytes in place of {len(files[largest])} is loaded")


def _check_way(
    framework: Framework, model: Any, classes: int, parameters: Any, answers: NDArray[np.float64], where: str, way: str
) -> None:
    lesson = _lesson(classes, parameters, turned=-1.0, way=way)
    try:
        gone_on = framework.continue_(model, lesson)
    except TrainingError:
        # Not every model of a framework knows every way.
        return
    before = framework.predict(model, lesson.x, classes)
    assert np.array_equal(before, answers), f"{where} alters the model that it goes on from"
    after = framework.predict(gone_on, lesson.x, classes)
    assert not np.array_equal(after, answers), f"{where} gives the model that it goes on from"
    if classes:
        own = np.arange(len(lesson.y)), lesson.y
        better = np.mean(np.log(np.maximum(after[own], 1e-9))) - np.mean(np.log(np.maximum(before[own], 1e-9)))
    else:
        better = np.mean((before - lesson.y) ** 2) - np.mean((after - lesson.y) ** 2)
    assert better > 0, f"{where} answers the rows that it has learned from worse than before"
