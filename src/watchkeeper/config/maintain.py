"""What the configuration says of the upkeep of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from typing import Any, Literal, Self, get_type_hints

from pydantic import Field, StrictBool, create_model, model_validator

from watchkeeper.config.fields import Duration, Part, Text
from watchkeeper.core.errors import UsageError
from watchkeeper.core.spec import Maintenance, RolloutRule

__all__ = ["Maintain", "RolloutConfig", "maintenance"]

_RULE = RolloutRule()


class RolloutConfig(Part):
    """How a challenger that has passed the gate takes over, step by step; see ``core.spec.RolloutRule``.

    Attributes
    ----------
    stages
        Shares of the requests that it answers, one after the other: ``shadow`` for none, ``5%``, and ``100%`` last.
    length
        How long the stage before the last lasts (an A/B test); left out, the evidence decides when.
    longest
        After this long without a decision the champion stays.
    watch
        How long the old champion is still compared after the promotion, and comes back where it is better.
    paired
        Whether both versions are asked about each labelled row; ``false`` where the outcome depends on the answer.
    """

    stages: tuple[Text, ...] = _RULE.stages
    length: Duration | None = None
    longest: Duration = _RULE.longest
    watch: Duration = _RULE.watch
    paired: StrictBool = True

    @model_validator(mode="after")
    def _understood(self) -> Self:
        try:
            self.rule().shares  # noqa: B018 - it raises
        except UsageError as error:
            raise ValueError(str(error)) from None
        return self

    def rule(self) -> RolloutRule:
        """Return the rule for the pure steps."""
        return RolloutRule(**dict(self))


_Choice = Literal["auto", "ask", "never"]
_CHOICES = ("retrain", "promote")


def _maintenance_fields() -> dict[str, Any]:
    """Return the fields of ``core.spec.Maintenance`` as fields of the configuration."""
    hints = get_type_hints(Maintenance)
    types: dict[Any, Any] = {
        timedelta: Duration,
        timedelta | None: Duration | None,
        str: Text,
        bool: StrictBool,
        tuple[str, ...]: tuple[Text, ...],
        RolloutRule | None: RolloutConfig | None,
        Mapping[str, str | int | float | bool]: dict[Text, StrictBool | int | float | Text],
    }
    found: dict[str, Any] = {}
    for f in fields(Maintenance):
        kind: Any = _Choice if f.name in _CHOICES else types.get(hints[f.name], hints[f.name])
        found[f.name] = (kind, f.default if f.default is not MISSING else Field(default_factory=dict))
    return found


Maintain = create_model(
    "Maintain", __base__=Part, __doc__="Whether and how the model is kept up.", **_maintenance_fields()
)
Maintain.told_by = Maintenance


def maintenance(values: Mapping[str, Any]) -> Maintenance:
    """Return what the maintenance step needs of the values of ``Maintain``."""
    rollout = values["rollout"]
    return Maintenance(**{**values, "rollout": None if rollout is None else rollout.rule()})
