"""The commands of ``watchkeeper``. Imports stay inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from watchkeeper.cli.adopt import adopt
from watchkeeper.cli.anomalies import anomalies
from watchkeeper.cli.audit import audit_app, model_card, why
from watchkeeper.cli.check import check
from watchkeeper.cli.configuration import FILE, AsJson, ConfigFile, config_app
from watchkeeper.cli.described import with_options
from watchkeeper.cli.explain import behaviour, explain
from watchkeeper.cli.interrupt import Interrupt
from watchkeeper.cli.lazily import import_when_used
from watchkeeper.cli.notify import notify_app
from watchkeeper.cli.options import FailOnIfAsked, Html, ModelName
from watchkeeper.cli.output import (
    prepare,
    print_err,
    print_out,
    progress_bar,
    show,
    show_failure,
    show_json,
    write_page,
)
from watchkeeper.cli.program import Program
from watchkeeper.cli.prove import prove as prove_command
from watchkeeper.cli.prove import tell_briefly
from watchkeeper.cli.rollout import rollout_app
from watchkeeper.cli.rules import rules_app
from watchkeeper.cli.store import store_app
from watchkeeper.cli.triage import ack, mute, unmute
from watchkeeper.cli.versions import compress, gc, promote, retrain, rollback, versions
from watchkeeper.config.check_options import CheckOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from watchkeeper.core.action import Action
    from watchkeeper.core.errors import WatchkeeperError
    from watchkeeper.run.fleet import ModelRuns
    from watchkeeper.run.keep import Maintainer
    from watchkeeper.run.project import Project, RunReport
    from watchkeeper.run.records import Records

    Deed = Callable[[Maintainer, str, datetime], Action]

__all__ = ["app", "main"]


app = Program(
    name="watchkeeper",
    help="Watch deployed machine-learning models and keep them healthy.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(config_app, name="config")
app.add_typer(notify_app, name="notify")
app.add_typer(rules_app, name="rules")
app.add_typer(store_app, name="store")


def _show_version(asked: bool) -> None:
    if asked:
        from watchkeeper import __version__

        print_out(f"watchkeeper {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Watch deployed machine-learning models and keep them healthy."""


_STOPPED = "stopped; nothing is lost, start again to go on"

app.command()(check)
app.command()(anomalies)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo leaves its store and its report.")] = Path(
        "watchkeeper-demo"
    ),
) -> None:
    """Watch and keep a flight-delay model through 2013."""
    from dataclasses import replace
    from shutil import which
    from sys import argv

    from watchkeeper.api import report as report_on
    from watchkeeper.demo.story import INJECTED, MODEL, tell

    with progress_bar() as progress:
        project = tell(folder, print_out, progress)
        report = report_on(project, MODEL)
        page = folder / "report.html"
        write_page(page, replace(report, notes=INJECTED).html())
        project.close()
    command = "watchkeeper" if which("watchkeeper") else str(Path(argv[0]).absolute())
    print_out(f"\nThe report is {page}. To look further: cd {folder} && {command} status")


@app.command()
@with_options(CheckOptions, only=("label", "prediction", "score", "time", "id", "segments", "types", "missing"))
def init(
    reference: Annotated[
        str, typer.Argument(metavar="REFERENCE", help="Rows to compare with: a file, folder or glob.")
    ],
    model: Annotated[str, typer.Option("--model", "-m", metavar="NAME", help="What to call the model.")] = "model",
    source: Annotated[
        str, typer.Option(metavar="TABLE", help="Where predictions will arrive: a file, folder or glob.")
    ] = "",
    config: ConfigFile = FILE,
    *,
    options: CheckOptions,
    force: Annotated[bool, typer.Option(help="Overwrite an existing file.")] = False,
    prove: Annotated[bool, typer.Option(help="Try in seconds what this set-up sees.")] = True,
) -> None:
    """Write a first watchkeeper.yaml from reference rows."""
    from watchkeeper.config.starter import starter_yaml
    from watchkeeper.core.errors import UsageError
    from watchkeeper.core.schema import Role
    from watchkeeper.ingest.door import Door
    from watchkeeper.ingest.sources import open_table, rows_beside
    from watchkeeper.schema.inference import infer_schema
    from watchkeeper.views.wording import shown

    if config.exists() and not force:
        raise UsageError(f"{config} exists already; overwrite it with --force, or name another with --config")
    door = Door(options.declared, answers=options.answers, beside=rows_beside(source) if source else None)
    rows = open_table(reference, door=door).sample()
    schema = infer_schema(rows, roles=options.roles(), segments=options.segments, kinds=options.kinds)
    values = {"types": options.types or {}, "missing": list(options.missing)}
    write_page(config, starter_yaml(model, schema, reference=reference, source=source, values=values))
    for column in schema:
        print_out(f"{shown(column.name, 40)} → {shown(column.why)}")
    print_err(f"wrote {config}; look it over, then: watchkeeper run")
    if schema.of(Role.TIME) is None:
        print_err("no time column was recognised, and run files predictions by their time: name it with --time, or")
        print_err("under columns; watchkeeper check compares two tables without one")
    elif prove:
        tell_briefly(config, model, reference)


app.command("prove")(prove_command)


@app.command()
def run(
    config: ConfigFile = FILE,
    model: ModelName = None,
    until: Annotated[
        str,
        typer.Option(metavar="TIME", help="Replay history up to this moment, window by window, as if it were then."),
    ] = "",
    replaces: Annotated[
        bool, typer.Option("--replace", help="Where a file was replaced by a corrected one, replace its rows too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what a run would do; write nothing, alert nobody.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", help="Run so many models at once, each in a process of its own.")
    ] = 1,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Run only the I-th of N shares of the models, as one host of N.")
    ] = "",
    fail_on: FailOnIfAsked = None,
    json: AsJson = False,
) -> None:
    """Ingest new data, evaluate it, alert, and keep the model.

    Exit codes: 0 done, 2 usage or configuration, 3 could not run, 5 another worker is at work on a model;
    asked with --fail-on, also 1 where an alert fires.
    """
    import sys
    from datetime import UTC, datetime

    from watchkeeper.api import open_project
    from watchkeeper.api.pictures import with_pictures
    from watchkeeper.cli.results import exit_code, hints, past_moment, problems_of, run_text, runs_document, told_later
    from watchkeeper.core.alert import Alert, AlertState
    from watchkeeper.core.errors import LeasedError, WatchkeeperError
    from watchkeeper.core.query import Query
    from watchkeeper.run.fleet import ModelRuns, in_shard

    now = datetime.now(UTC)
    moment = past_moment("--until", until, now) if until else now
    # A module of the user that is imported would leave its compiled form beside it.
    sys.dont_write_bytecode |= dry_run
    project = with_pictures(open_project(config, rehearsed=dry_run))
    results: dict[str, RunReport | WatchkeeperError] = {}
    firing: list[Alert] = []
    try:
        names = in_shard(_models(project, model), shard) if shard else _models(project, model)
        runs = ModelRuns(config, workers, moment if until else None, replaces=replaces, rehearsed=dry_run)
        for name, result in _run_all(project, names, runs):
            if isinstance(result, WatchkeeperError) and len(names) == 1 and not isinstance(result, LeasedError):
                raise result
            results[name] = result
            if workers > 1 and not dry_run:
                project.courier.hand_over(name, project.routes(name))
            for words in (*problems_of(results[name]), *hints(project, name)):
                print_err(f"{name}: {words}")
            firing += project.store.recorded(name, Alert, Query(states=(AlertState.FIRING,))) if fail_on else ()
        # A receiver that hangs delays no other model: only here is it waited for.
        results |= told_later(results, {} if dry_run else project.courier.collect())
    finally:
        project.close()
    results = {name: results[name] for name in names if name in results}
    if json:
        show_json(runs_document(results))
    else:
        for name, result in results.items():
            print_out(run_text(name, result))
        if not names:
            print_err(f"no model of {config} falls to shard {shard}")
    failed = [r for r in results.values() if isinstance(r, WatchkeeperError) or r.unread or r.all_set_aside]
    if failed:
        raise typer.Exit(5 if all(isinstance(r, LeasedError) for r in failed) else 3)
    raise typer.Exit(exit_code(firing, fail_on) if fail_on else 0)


def _run_all(project: Project, names: list[str], runs: ModelRuns) -> Iterator[tuple[str, RunReport | WatchkeeperError]]:
    """Run the models, several at once where that is asked, and show how far they are."""
    from watchkeeper.core.errors import WatchkeeperError

    if runs.workers > 1 and len(names) > 1:
        with progress_bar() as progress:
            for done, (name, result) in enumerate(runs(names), 1):
                progress("models", done, len(names))
                yield name, result
        return
    for name in names:
        came: RunReport | WatchkeeperError
        with progress_bar() as progress:
            try:
                came = runs.of(project, name, progress=progress)
            except WatchkeeperError as error:
                came = error
        yield name, came


@app.command()
def status(
    config: ConfigFile = FILE, model: ModelName = None, fail_on: FailOnIfAsked = None, json: AsJson = False
) -> None:
    """Show the state of the models after the last run.

    Exit codes: 0 shown, 2 usage or configuration, 3 could not be read; asked with --fail-on, also 1 where an alert
    fires and 4 where a model has no data.
    """
    from watchkeeper.api import open_records, standing
    from watchkeeper.cli.results import exit_code
    from watchkeeper.diagnose.incidents import incidents_of
    from watchkeeper.words.causes import incident_sentence

    project = open_records(config)
    try:
        reports = standing(project, _models(project, model))
    finally:
        project.close()
    shared = incidents_of((alert, one.diagnosis_of(alert)) for one in reports for alert in one.alerts)
    if json:
        from watchkeeper.views.report_json import status_document

        show_json(status_document(reports, shared))
    else:
        for incident in shared:
            print_out(f"incident since {incident.earliest:%Y-%m-%d %H:%M}: {incident_sentence(incident)}")
        for one in reports:
            show(one)
    if fail_on:
        codes = {exit_code(one.alerts, fail_on, one.verdict) for one in reports}
        raise typer.Exit(min(codes - {0}, default=0))


@app.command()
def report(config: ConfigFile = FILE, model: ModelName = None, html: Html = None, json: AsJson = False) -> None:
    """Write the report on a model as one HTML file."""
    from watchkeeper.api import open_records
    from watchkeeper.api import report as report_on

    drawn = html is not None or not json
    project = open_records(config)
    try:
        name = project.only(model)
        found = report_on(project, name, drawn=drawn)
    finally:
        project.close()
    if drawn:
        page = html or Path(f"{name}-report.html".replace("/", "-"))
        write_page(page, found.html())
        print_err(f"wrote {page}")
    if json:
        show_json(found.document())


app.command()(explain)
app.command()(ack)
app.command()(mute)
app.command()(unmute)
app.command()(behaviour)


app.command()(versions)
app.command()(adopt)
app.command()(promote)
app.command()(rollback)
app.command()(retrain)
app.command()(compress)
app.command()(gc)
app.command()(why)
app.command("model-card")(model_card)
app.add_typer(audit_app, name="audit")
app.add_typer(rollout_app, name="rollout")


def _models(project: Records, model: str | None) -> list[str]:
    """Return the models a command means: the one named, or all."""
    names = list(project.config.models)
    return names if model is None and names else [project.only(model)]


def main() -> None:
    """Run the command line; what is known to go wrong is one message on standard error and an exit code."""
    import gc
    import sys

    interrupt = Interrupt()
    interrupt.listen()
    # Classes and functions that are imported stay: looking through them again and again takes a fifth of the imports.
    gc.set_threshold(50_000, 20, 20)
    try:
        prepare()
        import_when_used("polars")
        app()
    except SystemExit as stop:
        if interrupt.asked or stop.code == 130:
            _stop()
        if stop.code == 2 and "--json" in sys.argv:
            show_failure("usage", "the command is wrong; standard error says how")
        raise
    except KeyboardInterrupt:
        _stop()
    except BaseException as error:  # noqa: BLE001 - exit code 1 means alerts: no fault, and no panic, may end with it
        if interrupt.asked:
            _stop()
        _explain(error)


def _stop() -> NoReturn:
    import sys

    print_err(_STOPPED)
    sys.exit(130)


def _explain(error: BaseException) -> NoReturn:
    from watchkeeper.cli.results import error_kind
    from watchkeeper.core.errors import SchemaError, UsageError, WatchkeeperError

    if isinstance(error, WatchkeeperError):
        _fail(error_kind(error), str(error), 2 if isinstance(error, (UsageError, SchemaError)) else 3)
    if isinstance(error, OSError):
        _fail("system", (f"{error.filename}: " if error.filename else "") + str(error.strerror or error), 3)
    import traceback

    print_err("".join(traceback.format_exception(error)).rstrip())
    _fail("internal", "this is a fault of Watchkeeper itself; please report it with the lines on standard error", 3)


def _fail(kind: str, words: str, code: int) -> NoReturn:
    import sys

    print_err(f"watchkeeper: {words}")
    if "--json" in sys.argv:
        show_failure(kind, words)
    sys.exit(code)
