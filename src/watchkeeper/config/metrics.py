"""What the configuration says of a model's own metrics: functions of the user's, and what predictions are worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from watchkeeper.config.fields import Part, Text
from watchkeeper.config.pairs import check_place
from watchkeeper.core.errors import ConfigError, near_miss
from watchkeeper.core.schema import Schema

__all__ = ["Metrics", "MetricsField"]

_CELLS = ("TP", "FP", "FN", "TN")


class Metrics(Part):
    """Metrics beside the built-in ones.

    Attributes
    ----------
    functions
        Functions of label, prediction and score that return one number for each row, as ``module:function``; each is
        measured by its mean, under its own name.
    value
        What a prediction brings: by ``TP``, ``FP``, ``FN`` and ``TN``, or by label and by prediction. Losses are
        negative, and what is left out brings 0. Measured as ``business_value``.
    """

    functions: tuple[Text, ...] = ()
    value: dict[Text, float | dict[Text, float]] = Field(default_factory=dict)

    @field_validator("functions")
    @classmethod
    def _places(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        names = [check_place(place).partition(":")[2] for place in given]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"two functions are called {twice[0]!r}, which names what is measured; rename one")
        return given

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        plain = [key for key, value in self.value.items() if not isinstance(value, dict)]
        off = [key for key in plain if key not in _CELLS]
        if off:
            raise ValueError(
                f"value: {off[0]!r} is no cell; {near_miss(off[0], _CELLS)}, or by label and by prediction"
            )
        if plain and len(plain) < len(self.value):
            raise ValueError("value: give TP, FP, FN and TN, or numbers by label and by prediction, not both")
        return self

    def by_label(self, schema: Schema) -> dict[str, dict[str, float]]:
        """Return by label, by prediction, what one such row brings.

        Raises
        ------
        ConfigError
            When cells are given and no class is the positive one, or a class does not exist.
        """
        matrix: dict[str, dict[str, float]] = {}
        for key, value in self.value.items():
            if isinstance(value, dict):
                matrix[key] = dict(value)
        if self.value and not matrix:
            return self._from_cells(schema)
        for name in [*matrix, *(answer for row in matrix.values() for answer in row)]:
            if name not in schema.classes:
                raise ConfigError(f"metrics.value: there is no class {name!r}; {near_miss(name, schema.classes)}")
        return matrix

    def _from_cells(self, schema: Schema) -> dict[str, dict[str, float]]:
        yes, others = schema.positive, [name for name in schema.classes if name != schema.positive]
        if yes is None or len(others) != 1:
            raise ConfigError(
                f"metrics.value: TP, FP, FN and TN need two classes of which one is positive; the task is "
                f"{schema.task.value}. Give numbers by label and by prediction"
            )
        tp, fp, fn, tn = (float(_plain(self.value, cell)) for cell in _CELLS)
        return {yes: {yes: tp, others[0]: fn}, others[0]: {yes: fp, others[0]: tn}}


def _plain(value: Mapping[str, Any], cell: str) -> float:
    found = value.get(cell, 0.0)
    return found if isinstance(found, float) else 0.0


def _listed(value: Any) -> Any:
    return {"functions": value} if isinstance(value, list | tuple) else value


MetricsField = Annotated[Metrics, BeforeValidator(_listed, json_schema_input_type=Metrics | list[Text])]
"""Metrics, or a list of the functions alone."""
