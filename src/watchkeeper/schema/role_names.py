"""Which columns are named for a role: those that are said to have it, and those whose own name says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.core.schema import Role
from watchkeeper.core.state import JOINT, OUTCOME, ROWS, RULES
from watchkeeper.schema.event_time import is_moment_text
from watchkeeper.schema.names import words_of
from watchkeeper.schema.role_content import FITS

__all__ = ["NAMES", "SINGLE", "Roles", "check_names", "find_role"]

NAMES: Mapping[Role, tuple[str, ...]] = {
    Role.LABEL_TIME: ("label_time", "label_timestamp", "labelled_at", "labeled_at"),
    Role.ID: ("prediction_id", "id", "request_id", "event_id", "row_id", "uuid", "guid", "identifier"),
    Role.TIME: (
        "timestamp", "time", "event_time", "predicted_at", "prediction_time", "datetime", "created_at", "ts", "date",
        "time_hour",
    ),
    Role.PREDICTION: (
        "prediction", "y_pred", "predicted", "pred", "y_hat", "yhat", "predicted_label", "predicted_class",
    ),
    Role.SCORE: (
        "score", "y_pred_proba", "y_score", "probability", "proba", "prob", "y_proba", "y_prob", "prediction_score",
        "prediction_proba", "predicted_probability",
    ),
    Role.LABEL: ("label", "target", "y_true", "actual", "ground_truth", "truth", "outcome", "y", "class"),
    Role.LATENCY: ("latency", "latency_ms", "latency_s", "latency_seconds", "response_time", "response_time_ms",
                   "duration_ms", "inference_time"),
    Role.VERSION: ("model_version", "version"),
    # Sessions and queries are features of other tasks, so that whoever ranks names them.
    Role.GROUP: (),
}  # fmt: skip
"""Names by which a role is recognised, best first; case and what stands between words do not matter."""

SINGLE = tuple(NAMES)
"""The roles that one column has at most."""

_RESERVED = (OUTCOME, ROWS, JOINT, RULES)
_INTERNAL = "__watchkeeper_"


@dataclass(slots=True)
class Roles:
    """Which column has which role so far, and why."""

    frame: pl.DataFrame
    of: dict[str, Role] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def give(self, name: str, role: Role, why: str) -> None:
        """Give a column a role, in the place of the one it had."""
        self.of[name], self.why[name] = role, why

    def series(self, role: Role) -> pl.Series | None:
        """Return the column with a role; None where there is none."""
        return next((series_named(self.frame, name) for name, r in self.of.items() if r is role), None)


def check_names(
    columns: Sequence[str],
    given: Mapping[Role, str],
    features: Sequence[str] | None,
    ignore: Sequence[str],
    segments: Sequence[str],
    more: Sequence[tuple[str, str]],
) -> None:
    """Raise where a column that is named does not exist, is named twice, or has a name that its role cannot have.

    Parameters
    ----------
    more
        Columns of scores and quantiles, each with what it is in words.
    """
    present = set(columns)
    for role, name in given.items():
        if role not in SINGLE:
            raise SchemaError(f"{role.value} is not a role of one column; {near_miss(role.value, [*SINGLE])}")
        _exists(name, f"the {role.value} column", present)
    for what, name in more:
        _exists(name, f"the column of {what}", present)
    for what, names in (("feature", features or ()), ("ignored column", ignore), ("segment column", segments)):
        for name in names:
            _exists(name, f"the {what}", present)
    _named_once([*((n, f"the {r.value}") for r, n in given.items()), *((n, "a feature") for n in features or ()),
                 *((n, what) for what, n in more),
                 *((n, "ignored") for n in ignore)])  # fmt: skip
    for name in segments:
        if name in ignore:
            raise SchemaError(f"column {name!r} is named as a segment and as ignored; keep one of the two")
    for name in columns:
        if name.startswith(_INTERNAL):
            raise SchemaError(f"column {name!r} begins with {_INTERNAL!r}, which is kept for internal use; rename it")
        if name in _RESERVED and name not in ignore:
            raise SchemaError(
                f"column {name!r} has a name that is kept for internal use; "
                "rename it, or leave it out with --ignore or columns.ignore"
            )


def _exists(name: str, what: str, present: Iterable[str]) -> None:
    if name in present and not name.strip() and what != "the ignored column":
        raise SchemaError(f"a column without a name cannot be {what}; name it in the table")
    if name not in present:
        raise SchemaError(f"{what} {name!r} does not exist; {near_miss(name, present)}")


def _named_once(named: Sequence[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for name, what in named:
        if name in seen:
            raise SchemaError(f"column {name!r} is named as {seen[name]} and as {what}; keep one of the two")
        seen[name] = what


def _letters(name: str) -> str:
    """Return a name in which spelling does not matter: Y-Pred, yPred and y_pred are one."""
    return "".join(words_of(name)) or name


def find_role(role: Role, roles: Roles) -> None:
    """Give ``role`` to the first column that has one of its names and fitting content."""
    free = {_letters(name): name for name in reversed(roles.frame.columns) if name not in roles.of}
    for word in NAMES[role]:
        name = free.get(_letters(word))
        if name is None:
            continue
        content = _content(role, roles, series_named(roles.frame, name))
        if content is not None:
            roles.give(name, role, f"{role.value}: named {name!r} and {content}")
            return
        roles.why[name] = f"named like the {role.value}, but its values do not fit"
    if role is Role.TIME:
        types = roles.frame.schema
        moments = [n for n in free.values() if isinstance(types[n], pl.Datetime)]
        texts = [n for n in free.values() if types[n] == pl.String and is_moment_text(series_named(roles.frame, n))]
        if len(moments) == 1:
            roles.give(moments[0], role, "time: the only column of dates with times")
        elif not moments and len(texts) == 1:
            roles.give(texts[0], role, "time: the only column of ISO 8601 text")


def _content(role: Role, roles: Roles, series: pl.Series) -> str | None:
    if role is Role.SCORE and Role.GROUP in roles.of.values():
        # What ranks need be no probability.
        return "holds numbers" if series.dtype.is_numeric() else None
    return FITS[role](series)
