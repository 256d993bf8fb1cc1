"""The commands about the audit trail: whether it is whole, a copy of it, and what it tells of a version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.options import ModelName
from watchkeeper.cli.output import print_err, print_out, show_json, write_page

__all__ = ["audit_app", "model_card", "why"]

audit_app = typer.Typer(help="Verify and export the audit trail.", no_args_is_help=True, rich_markup_mode=None)


@audit_app.command("verify")
def audit_verify(
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An earlier export that the trail must still contain.")
    ] = None,
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Check that the audit trail is whole and that the records are what it says."""
    from watchkeeper.cli.version_documents import AuditVerifyDocument
    from watchkeeper.core.encode import SCHEMA_VERSION
    from watchkeeper.run.audit import audit_faults, export_faults, exported_links
    from watchkeeper.run.records import open_records

    with open_records(config) as records:
        name = records.only(model)
        faults = audit_faults(records.store, name)
        if against is not None:
            faults += export_faults(records.store, name, against.read_text(encoding="utf-8"))
        links = exported_links(records.store, name)
    newest = links[-1].hash if links else ""
    if json:
        show_json(AuditVerifyDocument(SCHEMA_VERSION, name, not faults, tuple(faults), len(links), newest))
    elif not faults:
        print_out(f"whole: {len(links):,} records of {name}, the newest with the hash {newest or 'of nothing'}")
    for fault in faults:
        print_err(f"watchkeeper: {fault}")
    if faults:
        print_err("Somebody changed or removed records by hand; compare them with a copy of the store.")
        raise typer.Exit(3)


@audit_app.command("export")
def audit_export(
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to this file; standard output by default.")
    ] = None,
    config: ConfigFile = FILE,
    model: ModelName = None,
) -> None:
    """Write the audit trail as lines of JSON, to be kept elsewhere."""
    from watchkeeper.core.encode import as_json
    from watchkeeper.run.audit import exported_links
    from watchkeeper.run.records import open_records

    with open_records(config) as records:
        lines = [as_json(link, ascii_only=True) for link in exported_links(records.store, records.only(model))]
    if to is None:
        for line in lines:
            print_out(line)
    else:
        write_page(to, "".join(f"{line}\n" for line in lines))
        print_err(f"wrote {to}: {len(lines):,} records")


def why(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version that is asked about.")],
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Tell how a version came to be and what became of it."""
    from watchkeeper.cli.version_documents import WhyDocument
    from watchkeeper.core.encode import SCHEMA_VERSION
    from watchkeeper.run.records import open_records
    from watchkeeper.views.version_story import story_documents, version_story

    with open_records(config) as records:
        name = records.only(model)
        lines = version_story(records.store, name, version)
    if json:
        show_json(WhyDocument(SCHEMA_VERSION, name, version, story_documents(lines)))
        return
    for line in lines:
        print_out(f"{line.at:%Y-%m-%d %H:%M}  {line.text}" if line.at else f"{'':16}  {line.text}")


def model_card(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version that is described.")],
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write to this file; MODEL-VERSION-card.html by default."),
    ] = None,
    config: ConfigFile = FILE,
    model: ModelName = None,
    json: AsJson = False,
) -> None:
    """Write what a version is, and its story, as one HTML page."""
    from watchkeeper.run.records import open_records
    from watchkeeper.views.model_card import model_card_document, model_card_html

    with open_records(config) as records:
        card = model_card_document(records.store, records.only(model), version)
    if html is not None or not json:
        page = html or Path(f"{card.model}-{card.version}-card.html".replace("/", "-"))
        write_page(page, model_card_html(card))
        print_err(f"wrote {page}")
    if json:
        show_json(card)
