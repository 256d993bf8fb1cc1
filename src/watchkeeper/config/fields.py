"""The kinds of values a configuration is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
)
from pydantic_core import CoreSchema

from watchkeeper.config.options import Described, described, listed_names
from watchkeeper.config.told_keys import told_keys
from watchkeeper.core.errors import UsageError
from watchkeeper.core.window import parse_duration

__all__ = ["Duration", "Moment", "Options", "Part", "Text", "Texts", "format_duration", "part_fields"]

_LENGTHS = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


class Part(BaseModel):
    """A part of the configuration: frozen, and closed to keys it does not know."""

    # The whole is built once it is read, and not each part by itself before.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    told_by: ClassVar[type | None] = None
    """The record whose docstring tells of the keys that the own docstring does not tell of."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        made = handler(core_schema)
        told = {**(told_keys(cls.told_by) if cls.told_by else {}), **told_keys(cls)}
        for key, value in handler.resolve_ref_schema(made).get("properties", {}).items():
            if told.get(key):
                value.setdefault("description", told[key])
        return made

    @classmethod
    def known_keys(cls) -> list[str]:
        """Return the keys this part knows, as they are written."""
        return [info.alias or name for name, info in cls.model_fields.items()]

    @classmethod
    def part_below(cls, step: str | int) -> tuple[type[Part] | None, bool]:
        """Return the part under a key, None where plain values stand there, and whether there are many of it."""
        for name, info in cls.model_fields.items():
            if step in (name, info.alias):
                return _part_in(info.annotation)
        return None, False


def _part_in(annotation: Any) -> tuple[type[Part] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation, False
    for argument in get_args(annotation):
        found, many = _part_in(argument)
        if found is not None:
            return found, many or get_origin(annotation) in (tuple, list, dict)
    return None, False


def _as_text(value: Any) -> Any:
    """Take a number or truth value for the text it was written as."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=Union[str, int, float, bool])]  # noqa: UP007
"""A name or text; ``1`` and ``true`` are the texts "1" and "true", and ``NO`` is the text "NO"."""


Texts = Annotated[
    tuple[Text, ...],
    BeforeValidator(listed_names, json_schema_input_type=Union[tuple[Text, ...], str]),  # noqa: UP007
]
"""Names; a single one stands for a list of one."""


def format_duration(length: timedelta) -> str:
    """Return a length of time as it is written in the configuration.

    Examples
    --------
    >>> format_duration(timedelta(days=14))
    '2w'
    """
    seconds = int(length.total_seconds())
    unit, size = next((u, s) for u, s in _LENGTHS if seconds % s == 0)
    return f"{seconds // size}{unit}"


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    try:
        return parse_duration(str(value))
    except UsageError as error:
        raise ValueError(str(error)) from None


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=Annotated[str, Field(pattern=r"^\s*[1-9]\d{0,5}\s*[smhdw]\s*$")]),
    PlainSerializer(format_duration, return_type=str),
]
"""A whole number and s, m, h, d or w."""


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("should be a date or time such as 2013-01-31 or 2013-01-31T12:00:00Z") from None
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    raise ValueError("should be a date or time such as 2013-01-31")


Moment = Annotated[
    datetime,
    BeforeValidator(_moment, json_schema_input_type=str),
    PlainSerializer(lambda moment: moment.isoformat(), return_type=str),
]
"""A date or a time; without a zone it is UTC."""


def _options(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _number(inner) for key, inner in value.items()}


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


Options = Annotated[dict[str, float | str], BeforeValidator(_options)]
"""Numbers and texts by name."""


def part_fields(description: type, only: str = "") -> dict[str, Any]:
    """Return the fields of a description, or only one of them, as fields of a part, for ``create_model``.

    Texts are read as ``Text``, and a mapping that is left out is empty. What only Python can give, such as a function,
    is left out of the types.
    """
    asked = (one for one in described(description) if one.option.on_command_line and only in ("", one.name))
    return {one.name: _part_field(one) for one in asked}


def _part_field(one: Described) -> tuple[Any, Any]:
    option, kind = one.option, _written(one.type)
    if one.default is None and any(get_origin(inner) is Mapping for inner in get_args(one.type)):
        default: Any = Field(default_factory=dict, description=one.words)
        kind = next(inner for inner in get_args(kind) if get_origin(inner) is dict)
    else:
        default = Field(one.default, description=one.words, ge=option.lower, le=option.upper)
    if one.repeats:
        kind = Annotated[kind, BeforeValidator(listed_names, json_schema_input_type=kind | str)]
    return Annotated[kind, AfterValidator(partial(_checked, one))], default


def _checked(one: Described, value: Any) -> Any:
    if faults := one.faults(value):
        raise ValueError(faults)
    return value


def _written(kind: Any) -> Any:
    """Return a type of a description as YAML can say it."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is str:
        return Text
    if origin is Sequence:
        return tuple[_written(inner[0]), ...]  # type: ignore[misc]
    if origin is Mapping:
        return dict[_written(inner[0]), _written(inner[1])]  # type: ignore[misc]
    if origin in (Union, UnionType):
        kinds = [_written(one) for one in inner if get_origin(one) is not Callable]
        return reduce(or_, kinds)
    return kind
