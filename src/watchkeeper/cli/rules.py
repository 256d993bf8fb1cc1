"""The commands about quality rules: suggest them, compare them, list the rows that break them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchkeeper.cli.configuration import AsJson
from watchkeeper.cli.described import with_options
from watchkeeper.cli.output import print_err, print_out, progress_bar, show, show_json, write_page
from watchkeeper.config.check_options import CheckOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from watchkeeper.cli.rules_documents import OffendingRulesDocument
    from watchkeeper.core.rule import Rule
    from watchkeeper.run.offending import Offending

__all__ = ["RulesFile", "rules_app"]

rules_app = typer.Typer(help="Suggest, compare and apply quality rules.", no_args_is_help=True, rich_markup_mode=None)

_MOST_CELL = 60
_YAML = (".yaml", ".yml")

Table = Annotated[str, typer.Argument(metavar="REFERENCE", help="Rows to learn from: a file, folder or glob.")]


RulesFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Quality rules to check, as YAML.")]
"""The rules of a check."""


def _column(help: str) -> Any:
    return typer.Option(metavar="COLUMN", help=help)


Label = Annotated[str | None, _column("What was true; its nulls say nothing.")]
Time = Annotated[str | None, _column("Column with the time of each prediction.")]
Id = Annotated[str | None, _column("Column with the id of each row.")]
Ignore = Annotated[list[str] | None, _column("Say nothing of this column; repeatable.")]


@rules_app.command("suggest")
@with_options(CheckOptions, only=("types", "missing"))
def rules_suggest(
    reference: Table,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write them here.")] = None,
    label: Label = None,
    time: Time = None,
    id: Id = None,
    ignore: Ignore = None,
    *,
    options: CheckOptions,
    force: Annotated[bool, typer.Option(help="Overwrite an existing file.")] = False,
    json: AsJson = False,
) -> None:
    """Suggest rules that a reference keeps, as YAML to be looked over."""
    from watchkeeper.core.errors import UsageError
    from watchkeeper.quality.rule_set import rules_yaml, written

    if output is not None and output.exists() and not force:
        raise UsageError(f"{output} exists already; compare with: watchkeeper rules diff {output} REFERENCE")
    rules = _suggested(reference, label, time, id, ignore, options)
    if output is not None:
        write_page(output, rules_yaml(rules))
        print_err(f"wrote {len(rules)} rules to {output}; look them over, then: watchkeeper check --rules {output} …")
    if json:
        from watchkeeper.cli.rules_documents import RulesDocument
        from watchkeeper.core.encode import SCHEMA_VERSION

        show_json(RulesDocument(SCHEMA_VERSION, tuple(written(rule) for rule in rules)))
    elif output is None:
        print_out(rules_yaml(rules).rstrip("\n"))


@rules_app.command("diff")
@with_options(CheckOptions, only=("types", "missing"))
def rules_diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Rules as YAML.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Rules as YAML, or a table to suggest them from.")],
    label: Label = None,
    time: Time = None,
    id: Id = None,
    ignore: Ignore = None,
    *,
    options: CheckOptions,
    json: AsJson = False,
) -> None:
    """Show what changes from one list of rules to another."""
    from watchkeeper.ingest.rules import load_rules
    from watchkeeper.quality.difference import difference

    before = load_rules(old)
    after = load_rules(new) if new.endswith(_YAML) else _suggested(new, label, time, id, ignore, options)
    changes = difference(before, after)
    if json:
        from watchkeeper.cli.rules_documents import RuleChangeDocument, RuleChangesDocument
        from watchkeeper.core.encode import SCHEMA_VERSION

        listed = tuple(RuleChangeDocument(c.what, c.name, c.column, c.before, c.after) for c in changes)
        show_json(RuleChangesDocument(SCHEMA_VERSION, listed))
        return
    for line in (line for change in changes for line in change.told):
        print_out(line)
    if not changes:
        print_out("The rules are the same.")


@rules_app.command("rows")
@with_options(CheckOptions, only=("types", "missing"))
def rules_rows(
    current: Annotated[str, typer.Argument(metavar="CURRENT", help="Rows to check: a file, folder or glob.")],
    rules: Annotated[Path, typer.Option(metavar="FILE", help="The rules, as YAML.")],
    rule: Annotated[str | None, typer.Option(metavar="NAME", help="This rule only, by its name or kind.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows listed for each rule.")] = 20,
    id: Id = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference", "-r", metavar="TABLE", help="Read the rows as those of this table, as a check does."
        ),
    ] = None,
    *,
    options: CheckOptions,
    json: AsJson = False,
) -> None:
    """List the rows that break rules.

    Exit codes: 0 none does, 1 some do, 2 usage or rules, 3 a rule could not be asked.
    """
    from watchkeeper.ingest.rules import load_rules
    from watchkeeper.run.offending import offending_rows

    found = offending_rows(
        current, load_rules(rules), name=rule, limit=limit, id=id, reference=reference, declared=options.declared
    )
    if json:
        show_json(_document(found))
    else:
        show(_table_of(found))
    if any(one.broken for one in found):
        raise typer.Exit(1)
    if any(one.problem for one in found):
        raise typer.Exit(3)


def _suggested(
    reference: str,
    label: str | None,
    time: str | None,
    id: str | None,
    ignore: Sequence[str] | None,
    options: CheckOptions,
) -> tuple[Rule, ...]:
    from watchkeeper.core.schema import Role
    from watchkeeper.run.suggest import suggest_rules

    given = {Role.LABEL: label, Role.TIME: time, Role.ID: id}
    roles = {role: name for role, name in given.items() if name is not None}
    with progress_bar() as progress:
        return suggest_rules(reference, roles=roles, ignore=ignore or (), declared=options.declared, progress=progress)


def _document(found: Sequence[Offending]) -> OffendingRulesDocument:
    from watchkeeper.cli.rules_documents import OffendingDocument, OffendingRulesDocument
    from watchkeeper.core.encode import SCHEMA_VERSION, as_cell

    rules = tuple(
        OffendingDocument(
            rule=one.rule,
            column=one.column,
            asked=one.asked,
            checked=one.checked,
            offending=one.broken,
            problem=one.problem,
            rows=tuple({name: as_cell(value) for name, value in row.items()} for row in one.rows),
        )
        for one in found
    )
    return OffendingRulesDocument(SCHEMA_VERSION, rules)


def _table_of(found: Sequence[Offending]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    from watchkeeper.views.wording import count, shown

    parts: list[Any] = []
    for one in found:
        about = shown(f"{one.column or 'rows'}: {one.asked}", 200)
        if one.problem:
            parts.append(Text(f"✗ {about}: {shown(one.problem)}", style="magenta"))
            continue
        mark, look = ("▲", "red") if one.broken else ("✓", "green")
        parts.append(Text(f"{mark} {about}: {one.broken:,} of {count(one.checked, 'row')}", style=look))
        if one.rows:
            table = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 2), header_style="dim")
            for name in one.rows[0]:
                table.add_column(Text(shown(name, 40)))
            for row in one.rows:
                cells = ("null" if v is None else shown(v, _MOST_CELL) for v in row.values())
                table.add_row(*(Text(cell) for cell in cells))
            parts.append(table)
    return Group(*parts) if parts else Text("No rule is about rows.")
