"""Quality rules from where people keep them: a file, a list, or rules made in Python."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import ConfigError, near_miss
from watchkeeper.core.rule import Rule
from watchkeeper.ingest.sources import open_table
from watchkeeper.quality.rule_set import read_rules, rules_from
from watchkeeper.stats.blocks import to_text
from watchkeeper.stats.rule_counts import columns_read

__all__ = ["load_rules", "looked_at_by"]

_MOST_KEYS = 1_000_000
_LARGEST = 4_000_000


def load_rules(given: Any, folder: Path | None = None) -> tuple[Rule, ...]:
    """Return rules, with the keys of the tables that they refer to.

    Parameters
    ----------
    given
        The path of a YAML file, or a list of mappings and rules; None for none.
    folder
        Where relative paths start; those inside a file start at the file.

    Raises
    ------
    ConfigError
        When the file is missing, or a rule is off.
    SourceError
        When a table that a rule refers to cannot be read.
    """
    if given is None:
        return ()
    if not isinstance(given, str | Path):
        return _with_keys(rules_from(given), folder or Path())
    path = (folder or Path()) / Path(given).expanduser()
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError(f"{path} is larger than any list of rules; name a YAML file")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; write it with: watchkeeper rules suggest REFERENCE") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} cannot be read: it is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    return _with_keys(read_rules(text, str(path)), path.parent)


def looked_at_by(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return every column that rules look at."""
    return tuple(dict.fromkeys(name for rule in rules for name in columns_read(rule)))


def _with_keys(rules: Iterable[Rule], folder: Path) -> tuple[Rule, ...]:
    return tuple(_known(rule, folder) for rule in rules)


def _known(rule: Rule, folder: Path) -> Rule:
    whens = tuple(_known(condition, folder) for condition in rule.when)
    if rule.kind != "references" or rule.options.get("known") is not None:
        return replace(rule, when=whens)
    place, key = str(rule.options["table"]), str(rule.options.get("key") or rule.column)
    source = open_table(place if "://" in place else str(folder / place))
    if key not in source.columns:
        miss = near_miss(key, source.columns)
        raise ConfigError(f"references of {rule.column}: {place} has no column {key!r}; {miss}")
    found: set[str] = set()
    for frame in source.batches(columns=[key]):
        values: pl.Series = to_text(series_named(frame, key).unique()).drop_nulls()
        found.update(values.to_list())
        if len(found) > _MOST_KEYS:
            raise ConfigError(f"references of {rule.column}: {place} holds more than {_MOST_KEYS:,} different keys")
    return replace(rule, options={**rule.options, "known": tuple(sorted(found))}, when=whens)
