"""The configuration ``watchkeeper.yaml``: a frozen typed tree that knows where each of its values comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError, field_validator

from watchkeeper.config.chart_options import option_faults
from watchkeeper.config.environment import overridden
from watchkeeper.config.fields import Part, Text
from watchkeeper.config.model import Model, StoreConfig
from watchkeeper.config.notify import Notify
from watchkeeper.config.secrets import masked, secrets_in
from watchkeeper.config.yaml_text import Document, read_yaml, shown
from watchkeeper.config.yaml_text import Path as YamlPath
from watchkeeper.core.errors import ConfigError, near_miss
from watchkeeper.core.metric import chart_of
from watchkeeper.core.plugins import plugins
from watchkeeper.core.routes import Route
from watchkeeper.core.secrets import known_secret
from watchkeeper.core.spec import ATTRIBUTION_DRIFT, DEPARTURE, WAYS

__all__ = ["FILE", "Config", "check_names", "json_schema", "load_config", "origins", "read_config"]

FILE = "watchkeeper.yaml"
"""The name of the file where none is given."""

_MOST_ERRORS = 10
_LONGEST = 100
_CHARTLESS = "is missing; a comparison needs a chart, as tolerance is for most"
_WORDS = (("a valid tuple", "a list"), ("a valid dictionary", "a mapping"), ("a valid string", "a text"))


class Config(Part):
    """Everything in ``watchkeeper.yaml``.

    Attributes
    ----------
    store
        Where the log and everything derived from it is kept.
    models
        What is watched, by name.
    notify
        Whom to tell of alerts of several models, beside the receivers of each.
    """

    store: StoreConfig = StoreConfig.model_construct()
    models: dict[Text, Model] = Field(default_factory=dict)
    notify: tuple[Notify, ...] = ()

    @field_validator("models")
    @classmethod
    def _named(cls, models: dict[str, Model]) -> dict[str, Model]:
        for name in models:
            if not name.strip() or not name.isprintable():
                raise ValueError(f"{name!a} is no name for a model; write letters, digits and signs that can be seen")
        return models

    _file: str = PrivateAttr(default=FILE)
    _lines: Mapping[YamlPath, int] = PrivateAttr(default_factory=dict)
    _variables: Mapping[YamlPath, str] = PrivateAttr(default_factory=dict)
    _values: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any) -> None:
        """Remember where the values came from."""
        if isinstance(context, dict):
            document: Document = context["document"]
            self._file, self._variables = context["file"], context["variables"]
            self._lines, self._values = document.lines, document.values

    def model(self, name: str) -> Model:
        """Return the model ``name``.

        Raises
        ------
        ConfigError
            When there is none, with the nearest name.
        """
        try:
            return self.models[name]
        except KeyError:
            raise ConfigError(f"{self._file}: there is no model {name!r}; {near_miss(name, self.models)}") from None

    def routes(self, name: str) -> list[Route]:
        """Return whom to tell of the alerts of a model: its own receivers, and those of all that it is one of."""
        model = self.model(name)
        routes = [one.route() for one in (*model.notify, *self.notify)]
        return [route for route in routes if route.serves(name, model.tags)]

    def origin(self, path: YamlPath) -> str:
        """Return where the value at ``path`` comes from: a line of the file, a variable, or ``default``."""
        above = [path[:end] for end in range(len(path), 0, -1)]
        for step in above:
            if step in self._variables:
                return f"env {self._variables[step]}"
        for step in above:
            if step in self._lines:
                # A mapping that was written says nothing about a value in it that was not.
                written = step == path or not isinstance(_at(self._values, step), Mapping)
                return f"{self._file}:{self._lines[step]}" if written else "default"
        return "default"


def read_config(text: str, *, file: str = FILE, environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration a YAML text and the environment describe.

    Parameters
    ----------
    text
        The YAML.
    file
        What to call it in messages.
    environ
        Variables; ``WATCHKEEPER__STORE__URL`` overrides ``store.url``. None for no overrides.

    Raises
    ------
    ConfigError
        With file, line, path, the nearest valid key and what is valid; all faults at once.
    """
    document = read_yaml(text, file)
    values, variables = overridden(document.values, environ or {})
    known_secret(secrets_in(values))
    try:
        return Config.model_validate(values, context={"file": file, "document": document, "variables": variables})
    except ValidationError as error:
        found = [_fault(e, file, document.lines, variables) for e in error.errors(include_url=False)]
        faults = [words for _, words in sorted(found)]
        more = f"\nand {len(faults) - _MOST_ERRORS} more" if len(faults) > _MOST_ERRORS else ""
        raise ConfigError("\n".join(faults[:_MOST_ERRORS]) + more) from None


def load_config(path: str | Path = FILE, *, environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration of a file and the environment; see ``read_config``.

    Raises
    ------
    ConfigError
        When the file is missing or unreadable, or its content is off.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; write one with: watchkeeper init REFERENCE") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} cannot be read: it is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    return read_config(text, file=str(path), environ=environ)


def origins(config: Config) -> list[tuple[str, str, str]]:
    """Return (path, value, origin) of every value, secrets masked.

    The origin is ``default``, ``watchkeeper.yaml:LINE`` or ``env NAME``.
    """
    found: list[tuple[str, str, str]] = []

    def walk(value: Any, path: YamlPath) -> None:
        if isinstance(value, Mapping) and value:
            for key, inner in value.items():
                walk(inner, (*path, key))
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            for place, item in enumerate(value):
                walk(item, (*path, place))
        else:
            found.append((_dotted(path), shown(masked(path, value)), config.origin(path)))

    walk(config.model_dump(mode="json", by_alias=True), ())
    return found


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``watchkeeper.yaml``, for editors that complete and check it."""
    schema = Config.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": FILE}


def check_names(config: Config) -> None:
    """Check every name that a plug-in must have: measures, charts with their options, notifiers. Imports all plug-ins.

    Raises
    ------
    ConfigError
        With file, line, path and the nearest name; all faults at once.
    """
    measures = {**plugins("comparison"), **plugins("metric")}
    faults: list[str] = []

    def check(path: YamlPath, name: str, what: str, valid: Mapping[str, Any]) -> None:
        if name not in valid:
            where = config.origin(path)
            faults.append(f"{where}: {_dotted(path)}: there is no {what} {name!r}; {near_miss(name, valid, most=40)}")

    for model_name, model in config.models.items():
        above: YamlPath = ("models", model_name)
        for below, monitor in model.monitors.listed:
            written: YamlPath = (*above, "monitors", *below)
            own = {**measures, **dict.fromkeys(model.own_measures)}
            check((*written, "measure"), monitor.measure, "measure", own)
            if monitor.chart is not None:
                check((*written, "chart"), monitor.chart, "chart", plugins("chart"))
            elif monitor.measure in (*plugins("comparison"), ATTRIBUTION_DRIFT, DEPARTURE):
                # Beside the default monitors it may have the chart of one of them, which only a run knows.
                if model.monitors.only is not None or monitor.measure == ATTRIBUTION_DRIFT:
                    faults.append(f"{config.origin(written)}: {_dotted((*written, 'chart'))}: {_CHARTLESS}")
                continue
            chart = plugins("chart").get(monitor.chart or chart_of(plugins("metric").get(monitor.measure)))
            for option, words in option_faults(chart, monitor.options).items() if chart else ():
                at: YamlPath = (*written, "options", *([option] if option else []))
                faults.append(f"{config.origin(at)}: {_dotted(at)}: {words}")
        for place, function in enumerate(model.metrics.functions):
            name = function.partition(":")[2]
            if name in measures:
                where = config.origin((*above, "metrics", "functions", place))
                faults.append(f"{where}: metrics: there is a measure {name!r} already; rename {function}")
        faults += _maintenance_faults(config, (*above, "maintain"), model, check)
    for at, name in _notifiers(config):
        check(at, name, "notifier", plugins("notifier"))
    if faults:
        raise ConfigError("\n".join(faults))


def _maintenance_faults(
    config: Config, above: YamlPath, model: Model, check: Callable[[YamlPath, str, str, Mapping[str, Any]], None]
) -> list[str]:
    """Check the names that training and the gate go by; return what is wrong besides."""
    rule = model.maintenance()
    if rule.framework:
        check((*above, "framework"), rule.framework, "framework", plugins("framework"))
    for place, way in enumerate(rule.ways):
        check((*above, "ways", place), way, "way to train", dict.fromkeys(WAYS))
    if rule.metric:
        check((*above, "metric"), rule.metric, "metric", plugins("metric"))
    if rule.framework and rule.train:
        return [f"{config.origin(above)}: {_dotted(above)}: train and framework cannot both train; keep one"]
    return []


def _notifiers(config: Config) -> Iterator[tuple[YamlPath, str]]:
    yield from ((("notify", place, "to"), one.to) for place, one in enumerate(config.notify))
    for name, model in config.models.items():
        yield from ((("models", name, "notify", place, "to"), one.to) for place, one in enumerate(model.notify))


def _fault(
    error: Mapping[str, Any], file: str, lines: Mapping[YamlPath, int], variables: Mapping[YamlPath, str]
) -> tuple[int, str]:
    path: YamlPath = tuple(step for step in error["loc"] if step != "[key]")
    line, where = _place(path, file, lines, variables)
    if error["type"] == "extra_forbidden":
        return line, f"{where}: {_dotted(path)}: unknown key; {near_miss(str(path[-1]), _keys_at(path[:-1]), most=40)}"
    if error["type"] == "missing":
        return line, f"{where}: {_dotted(path)}: is missing"
    words = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    for theirs, ours in _WORDS:
        words = words.replace(theirs, ours)
    words = re.sub(r" or instance of \w+", "", words)
    given = "" if isinstance(error["input"], Mapping) else f"; this is {_cut(shown(masked(path, error['input'])))}"
    return line, f"{where}: {_dotted(path)}: {words}{given}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _place(
    path: YamlPath, file: str, lines: Mapping[YamlPath, int], variables: Mapping[YamlPath, str]
) -> tuple[int, str]:
    """Return the line and origin of a faulty path, or of what is nearest above it."""
    for end in range(len(path), -1, -1):
        above = path[:end]
        if above in variables:
            return 0, f"env {variables[above]}"
        if above in lines:
            return lines[above], f"{file}:{lines[above]}"
        below = next((name for p, name in variables.items() if end and p[:end] == above), None)
        if below:
            return 0, f"env {below}"
    return 0, file


def _keys_at(path: YamlPath) -> list[str]:
    """Return the keys that are valid at a path."""
    part: type[Part] | None = Config
    many = False
    for step in path:
        if many or part is None:
            many = False
            continue
        part, many = part.part_below(step)
    return [] if part is None or many else part.known_keys()


def _at(values: Any, path: YamlPath) -> Any:
    for step in path:
        values = values[step]
    return values


def _dotted(path: YamlPath) -> str:
    return ".".join(str(step) for step in path)
