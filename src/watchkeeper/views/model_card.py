"""What a version is, as a page and for programs: its columns, its rows, how it was made and judged, and its story."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.alerts.payload import SchemaVersion
from watchkeeper.core.encode import SCHEMA_VERSION, Moment, in_utc
from watchkeeper.core.provenance import DataLineage, Port, Provenance
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.maintain.registry import Standing
from watchkeeper.views.intervals import WindowDocument, window_document
from watchkeeper.views.version_story import StoryLineDocument, story_documents, version_record, version_story
from watchkeeper.views.wording import shown

__all__ = [
    "ModelCardDocument",
    "PortDocument",
    "ReignDocument",
    "RowsDocument",
    "model_card_document",
    "model_card_html",
]

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class PortDocument:
    """A column that a model takes or gives, its kind, and its classes where it has such."""

    name: str
    kind: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsDocument:
    """The rows that a version was trained on.

    Attributes
    ----------
    log
        Versions of the tables of predictions and of labels; empty where they are not known.
    times
        Their times lie in it, but for the stretches of ``excluded``.
    window
        The training window that was chosen.
    digest
        SHA-256 of their values.
    """

    log: str
    times: WindowDocument
    excluded: tuple[WindowDocument, ...]
    window: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class ReignDocument:
    """A time in charge; null where it lasts."""

    start: Moment
    end: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCardDocument:
    """What a version is.

    Attributes
    ----------
    artefact, format
        SHA-256 of the model file and how it is written; empty for a model that is kept elsewhere.
    parent
        The champion it was made to replace; empty for the first.
    inputs, outputs
        The columns it takes and gives; empty where they are not known.
    trained_on
        Null where the rows are not known.
    trainer, code
        The training function, and the SHA-256 of the module it stands in.
    metrics
        Numbers from its registration.
    reigned
        When it was in charge.
    """

    schema_version: SchemaVersion
    model: str
    version: str
    standing: Standing
    registered: Moment | None
    artefact: str
    format: str
    parent: str
    inputs: tuple[PortDocument, ...]
    outputs: tuple[PortDocument, ...]
    trained_on: RowsDocument | None
    trainer: str
    code: str
    parameters: dict[str, str]
    environment: dict[str, str]
    metrics: dict[str, float | None]
    reigned: tuple[ReignDocument, ...]
    story: tuple[StoryLineDocument, ...]


def model_card_document(store: Store, model: str, name: str) -> ModelCardDocument:
    """Return what was recorded of a version.

    Raises
    ------
    UsageError
        When there is no such version.
    """
    record = version_record(store, model, name)
    version, made = record.version, record.made or Provenance(name, record.version.artefact)
    signature = made.signature
    return ModelCardDocument(
        schema_version=SCHEMA_VERSION,
        model=model,
        version=name,
        standing=version.standing,
        registered=in_utc(version.registered),
        artefact=version.artefact,
        format=made.format,
        parent=version.parent,
        inputs=_ports(signature.inputs if signature else ()),
        outputs=_ports(signature.outputs if signature else ()),
        trained_on=_rows(made.data, version.trained),
        trainer=made.trainer,
        code=made.code,
        parameters=dict(made.parameters),
        environment=dict(made.environment),
        metrics=dict(version.metrics),
        reigned=tuple(ReignDocument(in_utc(start), in_utc(end)) for start, end in record.reigned),
        story=story_documents(version_story(store, model, name)),
    )


def model_card_html(card: ModelCardDocument) -> str:
    """Return the card as one page that needs nothing but itself."""
    from watchkeeper.views.page import environment, whole_page

    rows = card.trained_on
    facts = {
        "standing": card.standing.value.replace("_", " "),
        "registered": f"{card.registered:%Y-%m-%d %H:%M}" if card.registered else "",
        "in charge": ", ".join(
            f"{one.start:%Y-%m-%d %H:%M} to {f'{one.end:%Y-%m-%d %H:%M}' if one.end else 'now'}" for one in card.reigned
        ),
        "made to replace": card.parent,
        "rows": f"{rows.rows:,}" if rows and rows.rows else "",
        "trained from": f"{rows.times.start:%Y-%m-%d %H:%M} up to {rows.times.end:%Y-%m-%d %H:%M}" if rows else "",
        "training window": rows.window if rows else "",
        "log": rows.log if rows else "",
        "digest of the rows": rows.digest if rows else "",
        "trained by": card.trainer,
        "digest of its code": card.code,
        "file": f"{card.artefact} ({card.format})" if card.artefact else "kept elsewhere",
        **{f"parameter {name}": value for name, value in card.parameters.items()},
        **card.environment,
    }
    tables = {
        "Metrics when it was registered": [(k, f"{v:.4g}" if v is not None else "–") for k, v in card.metrics.items()],
        "Columns it takes": [(port.name, _kind(port)) for port in card.inputs],
        "Columns it gives": [(port.name, _kind(port)) for port in card.outputs],
        "How it was made": [(name, value) for name, value in facts.items() if value],
    }
    told = {title: [(shown(a, 120), shown(b, _LONGEST)) for a, b in lines] for title, lines in tables.items() if lines}
    story = [(f"{line.at:%Y-%m-%d %H:%M}" if line.at else "", shown(line.text, 2 * _LONGEST)) for line in card.story]
    title = f"{shown(card.model)} {shown(card.version)}"
    body = environment().get_template("model_card.html").render(title=title, story=story, tables=told)
    return whole_page(title, body)


def _kind(port: PortDocument) -> str:
    return f"{port.kind}: {', '.join(port.classes)}" if port.classes else port.kind


def _ports(ports: tuple[Port, ...]) -> tuple[PortDocument, ...]:
    return tuple(PortDocument(port.name, port.kind, port.classes) for port in ports)


def _rows(data: DataLineage | None, trained: Window | None) -> RowsDocument | None:
    if data is None:
        known = trained and RowsDocument(
            log="", times=window_document(trained), excluded=(), window="", rows=0, digest=""
        )
        return known or None
    left_out = tuple(WindowDocument(in_utc(start), in_utc(end)) for start, end in data.excluded)
    times = WindowDocument(in_utc(data.start), in_utc(data.end))
    return RowsDocument(
        log=data.log, times=times, excluded=left_out, window=data.window, rows=data.rows, digest=data.digest
    )
