"""Rules as people write them: a YAML list, read with errors that say where and what is valid, and written back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from watchkeeper.config.yaml_text import quoted, read_yaml, shown
from watchkeeper.core.alert import Severity
from watchkeeper.core.errors import ConfigError, near_miss
from watchkeeper.core.plugins import plugins
from watchkeeper.core.rule import Rule, RuleKind
from watchkeeper.quality.notation import plain_value
from watchkeeper.quality.parameters import as_column, as_share, as_text
from watchkeeper.stats.rule_counts import columns_read

__all__ = ["check_columns", "read_rules", "rules_from", "rules_yaml"]

_KEYS = ("rule", "column", "columns", "name", "mostly", "alpha", "severity", "when")
_CONDITION = ("rule", "column")
_MOST = 10
_TAKEN = ("rows", "doubled_ids")
_HEAD = """\
# Quality rules. Each names its kind, its column or columns, and its parameters; `mostly` is the share of rows that
# must keep it, `alpha` the significance level at which they must fail to. Kinds and parameters: docs/quality.md
"""


def read_rules(text: str, file: str) -> tuple[Rule, ...]:
    """Return the rules of a YAML text whose key ``rules`` holds the list.

    Raises
    ------
    ConfigError
        With file, line, number of the rule, the nearest valid name and what is valid; all faults at once.
    """
    document = read_yaml(text, file)
    strange = [key for key in document.values if key != "rules"]
    if strange:
        line = document.lines.get((strange[0],), 1)
        raise ConfigError(f"{file}:{line}: {strange[0]}: unknown key; {near_miss(strange[0], ['rules'])}")
    if "rules" not in document.values:
        raise ConfigError(f"{file}: there is no list 'rules'; write one with: watchkeeper rules suggest REFERENCE")

    def where(place: int) -> str:
        return f"{file}:{document.lines.get(('rules', place), 1)}: "

    return rules_from(document.values["rules"], where)


def rules_from(values: Any, where: Callable[[int], str] = lambda _: "") -> tuple[Rule, ...]:
    """Return the rules of a list of mappings.

    Parameters
    ----------
    values
        The list.
    where
        Gives what a message about the rule at a place, counted from 0, begins with.

    Raises
    ------
    ConfigError
        With all faults at once.
    """
    if values is None:
        return ()
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ConfigError(f"{where(0)}rules must be a list, this is {shown(values)[:60]}")
    found: list[Rule] = []
    faults: list[str] = []
    for place, value in enumerate(values):
        try:
            found.append(value if isinstance(value, Rule) else _rule(value))
        except ValueError as error:
            faults.append(f"{where(place)}rule {place + 1}: {error}")
    if not faults:
        faults = _clashes(found, where)
    if faults:
        more = f"\nand {len(faults) - _MOST} more" if len(faults) > _MOST else ""
        raise ConfigError("\n".join(faults[:_MOST]) + more)
    return tuple(found)


def check_columns(rules: Sequence[Rule], columns: Collection[str], table: str) -> None:
    """Check that every column a rule names exists.

    Raises
    ------
    ConfigError
        With the number of the rule and the nearest column; all faults at once.
    """
    faults = [
        f"rule {place + 1} ({rule.kind}): there is no column {name!r} in {table}; {near_miss(name, columns)}"
        for place, rule in enumerate(rules)
        for name in columns_read(rule)
        if name not in columns
    ]
    if faults:
        raise ConfigError("\n".join(faults[:_MOST]))


def rules_yaml(rules: Sequence[Rule]) -> str:
    """Return rules as the YAML that ``read_rules`` reads back as the same rules."""
    lines = [_HEAD.rstrip(), "rules:" if rules else "rules: []"]
    for rule in rules:
        first, *rest = [f"{_key(key)}: {shown(value)}" for key, value in written(rule).items()]
        lines += [f"- {first}", *(f"  {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def written(rule: Rule) -> dict[str, Any]:
    """Return a rule as the mapping it is written as, without what is the default."""
    found: dict[str, Any] = {"rule": rule.kind}
    if len(rule.columns) == 1:
        found["column"] = rule.columns[0]
    elif rule.columns:
        found["columns"] = list(rule.columns)
    if rule.name and rule.name != rule.kind:
        found["name"] = rule.name
    defaults = {p.name: p.default for p in plugins("rule")[rule.kind].parameters}
    options = {k: plain_value(v) for k, v in rule.declared.options.items() if v != defaults.get(k)}
    found |= options
    if rule.mostly != 1.0:
        found["mostly"] = rule.mostly
    if rule.alpha is not None:
        found["alpha"] = rule.alpha
    if rule.severity is not None:
        found["severity"] = str(rule.severity)
    if rule.when:
        found["when"] = [written(condition) for condition in rule.when]
    return found


def _key(key: str) -> str:
    return key if key.isidentifier() else quoted(key)


def _rule(value: Any, *, condition: bool = False) -> Rule:
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a mapping such as {{rule: not_null, column: age}}, this is {shown(value)[:60]}")
    kinds: Mapping[str, RuleKind] = plugins("rule")
    name = value.get("rule")
    if not isinstance(name, str) or name not in kinds:
        said = "the key 'rule' is missing" if name is None else f"there is no kind of rule {name!r}"
        raise ValueError(f"{said}; {near_miss(str(name), kinds, most=40)}")
    kind = kinds[str(name)]
    if condition and kind.work != "rows":
        rows = [n for n, k in kinds.items() if k.work == "rows"]
        raise ValueError(f"when: {kind.name} is not about single rows; {near_miss(kind.name, rows, most=40)}")
    options = _options(kind, value, condition)
    rule = Rule(kind.name, _columns(kind, value), options, _text(value, "name") or kind.name)
    fault = kind.check(rule)
    if fault:
        raise ValueError(f"{kind.name}: {fault}")
    if condition:
        return rule
    alpha = _read(value, "alpha", as_share, None)
    mostly = float(_read(value, "mostly", as_share, 1.0))
    if kind.work == "states" and {"mostly", "alpha"} & set(value):
        raise ValueError(f"{kind.name}: mostly and alpha belong to rules about rows; give limits instead")
    if alpha is not None and mostly == 1.0:
        raise ValueError("alpha needs mostly: no single row may break a rule without it, whatever the chance")
    whens = _whens(value)
    if whens and kind.work == "states":
        raise ValueError(f"{kind.name}: when belongs to rules about rows")
    return Rule(kind.name, rule.columns, options, rule.name, mostly, alpha, _severity(value), whens)


def _options(kind: RuleKind, value: Mapping[str, Any], condition: bool) -> dict[str, Any]:
    valid = [p.name for p in kind.parameters if p.name != "known"]
    keys = _CONDITION if condition else _KEYS
    for key in value:
        if key not in keys and key not in valid:
            raise ValueError(f"{kind.name} has no parameter {key!r}; {near_miss(str(key), [*valid, *keys], most=40)}")
    found: dict[str, Any] = {}
    for parameter in kind.parameters:
        given = value.get(parameter.name)
        if given is None:
            if parameter.required:
                raise ValueError(f"{kind.name} needs {parameter.name}: {parameter.about}")
            if parameter.default is not None:
                found[parameter.name] = parameter.default
            continue
        found[parameter.name] = _read(value, parameter.name, parameter.read, None)
    return found


def _read(value: Mapping[str, Any], key: str, read: Callable[[Any], Any], default: Any) -> Any:
    if value.get(key) is None:
        return default
    try:
        return read(value[key])
    except ValueError as error:
        raise ValueError(f"{key} should be {error}; this is {shown(value[key])[:80]}") from None


def _columns(kind: RuleKind, value: Mapping[str, Any]) -> tuple[str, ...]:
    one, many = _read(value, "column", as_column, None), value.get("columns")
    if many is not None and (not isinstance(many, list | tuple) or kind.subject != "columns"):
        takes = "a list of names" if kind.subject == "columns" else "no columns; name one column"
        raise ValueError(f"{kind.name} takes {takes}")
    given = many or ([] if one is None else [one])
    if any(name is None for name in given):
        raise ValueError(f"{kind.name} takes names of columns, and null is none")
    named = tuple(str(_read({"columns": name}, "columns", as_column, "")) for name in given)
    if one is not None and many:
        raise ValueError(f"{kind.name}: give column or columns, not both")
    if kind.subject == "rows" and named:
        raise ValueError(f"{kind.name} is about rows and takes no column")
    if kind.subject == "column" and not named:
        raise ValueError(f"{kind.name} needs column")
    twice = [name for name, times in Counter(named).items() if times > 1]
    if twice:
        raise ValueError(f"{kind.name} names the column {twice[0]!r} twice")
    return named


def _text(value: Mapping[str, Any], key: str) -> str:
    return str(_read(value, key, as_text, ""))


def _severity(value: Mapping[str, Any]) -> Severity | None:
    given = value.get("severity")
    if given is None:
        return None
    names = {str(s): s for s in Severity}
    if not isinstance(given, str) or given not in names:
        raise ValueError(f"severity: there is none called {given!r}; {near_miss(str(given), names)}")
    return names[str(given)]


def _whens(value: Mapping[str, Any]) -> tuple[Rule, ...]:
    given = value.get("when")
    if given is None:
        return ()
    listed = [given] if isinstance(given, Mapping) else given
    if not isinstance(listed, list | tuple):
        raise ValueError(f"when should be a rule or a list of rules; this is {shown(given)[:60]}")
    try:
        return tuple(_rule(one, condition=True) for one in listed)
    except ValueError as error:
        raise ValueError(f"when: {error}") from None


def _clashes(rules: Sequence[Rule], where: Callable[[int], str]) -> list[str]:
    """Return rules that reports could not tell apart, and names that measures have."""
    taken = {*plugins("comparison"), *plugins("metric"), *_TAKEN}
    first: dict[tuple[str, str], int] = {}
    faults = []
    for place, rule in enumerate(rules):
        if rule.name in taken:
            faults.append(
                f"{where(place)}rule {place + 1}: the name {rule.name!r} belongs to a measure; choose another"
            )
        known = first.setdefault((rule.name, rule.column), place)
        if known != place:
            about = f" of {rule.column}" if rule.column else ""
            faults.append(
                f"{where(place)}rule {place + 1}: rule {known + 1} is called {rule.name!r}{about} too; give one a name"
            )
    return faults
