"""YAML read the way people mean it: version 1.2 scalars, no doubled keys, and the line of everything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from watchkeeper.core.errors import ConfigError

__all__ = ["Document", "Path", "quoted", "read_scalar", "read_yaml", "shown"]

Path = tuple[str | int, ...]
"""Where a value stands: keys and list places from the top."""

_MOST_NODES = 100_000
_RESOLVERS = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?(?:(?:0|[1-9][0-9]*)?\.[0-9]+|(?:0|[1-9][0-9]*)\.?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
)
_TAG = "tag:yaml.org,2002:"
_LONGEST = 60


class _Loader(yaml.SafeLoader):
    """Knows null, true, false and decimal numbers; everything else is text.

    So ``NO``, ``on``, ``yes``, ``1_000``, ``12:30:00``, ``007``, ``0x1F`` and ``2013-01-01`` stay what was written.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - filled below


for _name, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), _first)


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a YAML text, and the line each of them stands on.

    Attributes
    ----------
    values
        The mapping at the top.
    lines
        Line by path, counted from 1.
    """

    values: dict[str, Any]
    lines: Mapping[Path, int] = field(default_factory=dict)


def read_yaml(text: str, file: str) -> Document:
    """Read a YAML text whose top is a mapping; an empty text is an empty mapping.

    Raises
    ------
    ConfigError
        With file and line, when it is no YAML, names a key twice, or uses tags or merge keys.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"{file}:{line}: this is no YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: this is no YAML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{file}: mappings and lists are nested too deeply for a configuration") from error
    if node is None:
        return Document({})
    lines: dict[Path, int] = {}
    values = _Reader(file, lines).read(node, ())
    if values is None:
        return Document({})
    if not isinstance(values, dict):
        raise ConfigError(f"{file}:1: the top must be a mapping such as 'models:', this is {shown(values)[:60]}")
    return Document(values, lines)


def read_scalar(text: str, origin: str = "the value") -> Any:
    """Read one value as YAML would: a flow list or mapping, a number, true, false, null, or else the text itself.

    ``origin`` is what messages call it.
    """
    if text.lstrip()[:1] in ("[", "{"):
        return read_yaml(f"value: {text}", origin).values["value"]
    for name, pattern, _ in _RESOLVERS:
        if re.match(pattern, text):
            return _scalar(name, text)
    return text


def quoted(text: str) -> str:
    """Return a text as a YAML scalar on one line that reads back as the same text, whatever it holds."""
    dumped: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return dumped.strip()


def shown(value: Any) -> str:
    """Return a value as one line of YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(shown(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if not isinstance(value, str):
        return str(value)
    plain = re.fullmatch(r"(?:[\w./~+]|-(?=\w))[\w ./~@%+:-]*", value) and ": " not in value and value == value.strip()
    return value if plain and isinstance(read_scalar(value), str) and value[-1] != ":" else quoted(value)


class _Reader:
    def __init__(self, file: str, lines: dict[Path, int]) -> None:
        self.file, self.lines = file, lines
        self.nodes = 0
        self.open: set[int] = set()

    def read(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self.nodes += 1
        if self.nodes > _MOST_NODES or id(node) in self.open:
            raise ConfigError(f"{self.file}:{line}: aliases repeat without end")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        plain = ("map", "seq")
        if node.tag.removeprefix(_TAG) not in plain:
            raise ConfigError(f"{self.file}:{line}: the tag {node.tag} is not allowed; write plain YAML")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.read(item, (*path, place)) for place, item in enumerate(node.value)]
            return dict(self._pairs(node, path))
        finally:
            self.open.discard(id(node))

    def _pairs(self, node: yaml.Node, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"{self.file}:{line}: a key must be a text")
            name = str(key.value)
            if name == "<<" and key.style is None:
                raise ConfigError(f"{self.file}:{line}: merge keys (<<) are not part of YAML 1.2; repeat the lines")
            if name in seen:
                where = ".".join(map(str, (*path, name)))
                first = seen[name]
                raise ConfigError(f"{self.file}:{line}: {where} stands on line {first} already; keep one of the two")
            seen[name] = line
            self.lines[(*path, name)] = line
            yield name, self.read(value, (*path, name))

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        name = node.tag.removeprefix(_TAG)
        if name not in ("str", "null", "bool", "int", "float"):
            raise ConfigError(f"{self.file}:{line}: the tag {node.tag} is not allowed; write plain YAML")
        try:
            return _scalar(name, str(node.value))
        except ValueError as error:
            raise ConfigError(f"{self.file}:{line}: {node.value[:_LONGEST]!r} is no {name} that can be read") from error


def _scalar(name: str, text: str) -> Any:
    if name == "null":
        return None
    if name == "bool":
        return text.lower() == "true"
    if name not in ("int", "float"):
        return text
    number = int(text) if name == "int" else float(text)
    # A number that is not written as it would be shown, such as 1.10, may be a name or a version: it stays text, which
    # a field for numbers reads all the same.
    return number if str(number) == text else text
