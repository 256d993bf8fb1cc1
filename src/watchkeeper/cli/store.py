"""The commands about the store: how large it is, whether it is whole, and making it smaller."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile
from watchkeeper.cli.options import ModelName
from watchkeeper.cli.output import print_err, print_out, progress_bar, show_json
from watchkeeper.cli.quarantine import quarantine_app, store_forget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchkeeper.run.records import Records
    from watchkeeper.store.upkeep import TableSize, Upkeep

__all__ = ["store_app"]

store_app = typer.Typer(help="Inspect and maintain the store.", no_args_is_help=True, rich_markup_mode=None)
store_app.add_typer(quarantine_app, name="quarantine")
store_app.command("forget")(store_forget)


@store_app.command("info")
def store_info(config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """Show how large the tables of the log and of the database are."""
    from watchkeeper.cli.store_documents import StoreInfoDocument, TableDocument
    from watchkeeper.core.encode import SCHEMA_VERSION

    sizes: list[tuple[str, TableSize]] = []
    with _opened(config) as records:
        for name, upkeep in _upkeeps(records, model):
            sizes += [(name, size) for size in upkeep.sizes()]
            database = upkeep.database_sizes()
        sizes += [("", size) for size in database]
    if json:
        tables = tuple(TableDocument(name, s.name, s.rows, s.bytes, s.files, s.versions) for name, s in sizes)
        show_json(StoreInfoDocument(SCHEMA_VERSION, tables))
        return
    for name, size in sizes:
        files = f", {size.files:,} files, {size.versions:,} versions" if size.files is not None else ""
        weight = f", {size.bytes:,} bytes" if size.bytes is not None else ""
        print_out(f"{name or 'database'}/{size.name}: {size.rows:,} rows{weight}{files}")


@store_app.command("compact")
def store_compact(config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """Merge small files of the log, and remove records that the configuration does not keep."""
    from watchkeeper.cli.store_documents import CompactedDocument, StoreCompactDocument
    from watchkeeper.core.encode import SCHEMA_VERSION
    from watchkeeper.run.lease import leased
    from watchkeeper.run.retention import apply_retention

    done: list[CompactedDocument] = []
    with _opened(config) as records, progress_bar() as progress:
        retention = records.config.store.retention
        for number, (name, upkeep) in enumerate(_upkeeps(records, model)):
            progress(f"compacting {name}", number, None)
            with leased(records.store, name, records.config.store.lease) as store:
                removed = apply_retention(store, name, retention)
            files = list(upkeep.compact())
            before, after = sum(one.before for one in files), sum(one.after for one in files)
            done.append(CompactedDocument(name, before, after, removed.measurements, removed.alerts))
    if json:
        show_json(StoreCompactDocument(SCHEMA_VERSION, tuple(done)))
        return
    for one in done:
        print_out(
            f"{one.model}: {one.files_before:,} → {one.files_after:,} files; "
            f"{one.measurements:,} measurements and {one.alerts:,} alerts removed"
        )


@store_app.command("vacuum")
def store_vacuum(
    config: ConfigFile = FILE,
    model: ModelName = None,
    hours: Annotated[
        int, typer.Option(min=1, help="Keep files that a version of the last hours needs, for those who still read it.")
    ] = 168,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    json: AsJson = False,
) -> None:
    """Remove files of the log that no recent version needs, and give room in the database back."""
    from watchkeeper.cli.store_documents import StoreVacuumDocument, VacuumedDocument
    from watchkeeper.core.encode import SCHEMA_VERSION

    done: list[VacuumedDocument] = []
    with _opened(config) as records, progress_bar() as progress:
        for number, (name, upkeep) in enumerate(_upkeeps(records, model)):
            progress(f"vacuuming {name}", number, None)
            for table, files in upkeep.vacuum(hours, dry_run=dry_run):
                done.append(VacuumedDocument(name, table, files))
            last = upkeep
        if not dry_run:
            last.vacuum_database()
    if json:
        show_json(StoreVacuumDocument(SCHEMA_VERSION, dry_run, tuple(done)))
        return
    for one in done:
        print_out(f"{one.model}/{one.table}: {len(one.files):,} files {'would go' if dry_run else 'went'}")


@store_app.command("check")
def store_check(config: ConfigFile = FILE, model: ModelName = None, json: AsJson = False) -> None:
    """Check that no file is missing or damaged, and that the database and the audit chain are whole."""
    from watchkeeper.cli.store_documents import FaultDocument, StoreCheckDocument
    from watchkeeper.core.encode import SCHEMA_VERSION
    from watchkeeper.run.audit import audit_faults
    from watchkeeper.run.readable import unreadable_records

    found: list[FaultDocument] = []
    with _opened(config) as records, progress_bar() as progress:
        for number, (name, upkeep) in enumerate(_upkeeps(records, model)):
            progress(f"checking {name}", number, None)
            faults = [*upkeep.faults(), *unreadable_records(records.store, name)]
            faults += audit_faults(records.store, name) if not faults else []
            found += [FaultDocument(name, fault) for fault in faults]
    if json:
        show_json(StoreCheckDocument(SCHEMA_VERSION, not found, tuple(found)))
    elif not found:
        print_out("whole: no file is missing or damaged, and the audit chain holds")
    for one in found:
        print_err(f"watchkeeper: {one.model}: {one.fault}")
    if found:
        print_err("Put the files named here back from a copy; what is not named here can be read.")
        raise typer.Exit(3)


@contextmanager
def _opened(config: Path) -> Iterator[Records]:
    from watchkeeper.run.records import open_records

    records = open_records(config)
    try:
        yield records
    finally:
        records.close()


def _upkeeps(records: Records, model: str | None) -> list[tuple[str, Upkeep]]:
    """Return what looks after the tables of the models that are meant: the one named, or all."""
    from watchkeeper.core.errors import UsageError
    from watchkeeper.store.lake import LakeStore

    if not isinstance(records.store, LakeStore):
        raise UsageError("a store in memory keeps nothing to look after; set store.url to a folder")
    names = list(records.config.models)
    names = names if model is None and names else [records.only(model)]
    return [(name, records.store.upkeep(name)) for name in names]
