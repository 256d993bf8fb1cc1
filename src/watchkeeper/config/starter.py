"""The first ``watchkeeper.yaml`` of a project: what was inferred, and why, ready to be corrected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.config.yaml_text import quoted, shown
from watchkeeper.core.schema import Role, Schema

__all__ = ["starter_yaml"]

_ROLES = (Role.ID, Role.TIME, Role.PREDICTION, Role.SCORE, Role.LABEL, Role.LATENCY, Role.VERSION)
_RARE = (Role.LABEL_TIME, Role.GROUP)
"""Roles that are not missed where no column has them."""


def starter_yaml(
    model: str,
    schema: Schema,
    *,
    reference: str = "",
    source: str = "",
    store: str = "",
    values: Mapping[str, Any] | None = None,
) -> str:
    """Return a commented configuration that reads back as it was inferred.

    Parameters
    ----------
    model
        The model's name.
    schema
        What was inferred from the reference.
    reference, source
        Paths of the reference and of the predictions to take in; left as a comment where empty.
    store
        Folder or URL of the store; the default where empty.
    values
        The declared ``types`` and ``missing`` of the columns.
    """
    lines = [
        "# What Watchkeeper watches. Every key that is left out has the default that `watchkeeper config show` shows.",
        "store:",
        f"  url: {shown(store or './watchkeeper-data')}",
        "models:",
        f"  {shown(model)}:",
        "    # Predictions to take in at each run; leave it out when the serving process logs them itself.",
        f"    source: {shown(source)}" if source else "    # source: predictions/*.parquet",
        "    # What is compared with: a table, or an interval of the log such as {from: 2013-01-01, to: 2013-03-01}.",
        f"    reference: {shown(reference)}" if reference else "    # reference: reference.parquet",
        "    # Which column is what, and how it was recognised. Correct what is wrong.",
        "    columns:",
    ]
    for role in _ROLES:
        column = schema.of(role)
        if column is None:
            lines.append(f"      # {role.value}: none was recognised")
        else:
            lines.extend([f"      {role.value}: {shown(column.name)}", f"      #   {_comment(column.why)}"])
    for column in (one for role in _RARE if (one := schema.of(role)) is not None):
        lines.extend([f"      {column.role.value}: {shown(column.name)}", f"      #   {_comment(column.why)}"])
    if schema.class_scores:
        pairs = ", ".join(f"{shown(name)}: {shown(column)}" for name, column in schema.class_scores)
        lines.append(f"      scores: {{{pairs}}}")
    if schema.quantiles:
        pairs = ", ".join(f"{level:g}: {shown(column)}" for level, column in schema.quantiles)
        lines.append(f"      quantiles: {{{pairs}}}")
    lines += [f"      {key}: {shown(value)}" for key, value in (values or {}).items() if value]
    lines.append("      features:")
    lines.extend(f"        - {shown(feature.name)}  # {_comment(feature.why)}" for feature in schema.features)
    if not schema.features:
        lines[-1] += " []"
    ignored = [c for c in schema if c.role is Role.IGNORED]
    if ignored:
        lines.append(f"      ignore: [{', '.join(shown(c.name) for c in ignored)}]")
    rules = ", ".join(shown(rule.column) for rule in schema.segments)
    lines.append("    # Columns whose values are watched one by one as well, such as a region.")
    lines.append(f"    segments: [{rules}]")
    if schema.positive is not None:
        lines.append(f"    positive: {shown(schema.positive)}  # the class that the score is the probability of")
    lines.extend(
        [
            f"    # The task was taken to be: {schema.task.value}.",
            "    windows: {every: 1d, grain: 1d}",
            "    alerts: {budget: one false alert per model and year}",
            "    notify:",
            "      - {to: console}",
            "    # maintain: {train: 'training:train', retrain: ask, promote: ask}",
        ]
    )
    return "\n".join(lines) + "\n"


def _comment(why: str) -> str:
    return quoted(why)[1:-1]
