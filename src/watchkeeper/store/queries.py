"""A query as conditions on what records are searched by, which every store answers alike."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.core.alert import Severity
from watchkeeper.core.errors import StoreError
from watchkeeper.core.query import Query

__all__ = ["conditions"]

_MEASURED = {
    "families": "family",
    "names": "name",
    "columns": "column_name",
    "segments": "segment",
    "versions": "version",
    "statuses": "status",
}
_SEARCHED: Mapping[str, Mapping[str, str]] = {
    "spec": {},
    "measurement": _MEASURED,
    "signal": {**_MEASURED, "charts": "chart", "fired": "fired"},
    "memory": {},
    "diagnosis": {"ids": "id", "prefix": "id"},
    "alert": {
        "causes": "cause", "severity": "severity", "states": "state", "ids": "id", "prefix": "id",
        "changed_after": "changed",
    },
    "action": {"kinds": "kind", "outcomes": "outcome", "versions": "version", "ids": "id", "prefix": "id"},
    "audit": {"ids": "id", "prefix": "id"},
    "provenance": {"versions": "version"},
    "tenure": {},
    "delivery": {"deliveries": "state", "ids": "id", "prefix": "id"},
}  # fmt: skip
"""By kind of record, what a query may ask for and the column that answers it."""

_ALWAYS = ("window", "newest_first", "limit")


def conditions(kind: str, query: Query) -> dict[str, tuple[str | bool, ...]]:
    """Return the values a record of this kind may have, by what it is searched by.

    The prefix and the number of changes are no lists of values and stay with the query.

    Raises
    ------
    StoreError
        When the query asks for what records of this kind do not have, or the limit is negative.
    """
    if query.limit is not None and query.limit < 0:
        raise StoreError(f"a query is limited to {query.limit} records; a limit is 0 or more")
    wanted: dict[str, tuple[str | bool, ...]] = {}
    columns = _SEARCHED[kind]
    for name in Query.__dataclass_fields__:
        value = getattr(query, name)
        if name in _ALWAYS or value is None or value == "":
            continue
        if name not in columns:
            valid = ", ".join((*columns, *_ALWAYS))
            raise StoreError(f"records of kind {kind!r} are not searched by {name}; valid: {valid}")
        if isinstance(value, Severity):
            wanted[columns[name]] = tuple(str(severity) for severity in Severity if severity >= value)
        elif isinstance(value, bool):
            wanted[columns[name]] = (value,)
        elif name not in ("prefix", "changed_after"):
            wanted[columns[name]] = tuple(str(one) for one in value)
    return wanted
