"""Write what is generated of the docs: the reference from the registry, the schemas from the code."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from watchkeeper.cli.documents import output_schemas
from watchkeeper.config.configuration import json_schema
from watchkeeper.core.plugins import KINDS, plugins
from watchkeeper.core.rule import Parameter

HEAD = """# Reference

Written from the registry by `make docs`; do not edit. The heading of each entry is its key in the configuration.
"""
LEADS = {
    "statistic": "What a state can hold about a column, about outcomes or about whole rows.",
    "comparison": "Reference against current; each returns a number with its size and uncertainty.",
    "metric": "Measures of performance, computed from states.",
    "estimator": "Performance without labels, or with few, computed from states.",
    "explainer": "Shares a score out to the features of a row.",
    "rule": "What rows and their statistics must look like.",
    "chart": "Judges a measurement: centre, limits, and whether a rule was broken.",
    "notifier": "Sends alerts somewhere.",
    "trigger": "Proposes maintenance.",
    "framework": "Fits models, goes on from them, and keeps them in files.",
    "fault": "What `watchkeeper prove` plants into rows to see whether it is found.",
}


def render() -> str:
    """Return the whole page."""
    lines = [HEAD]
    for kind in KINDS:
        lines += [f"## {kind}\n", f"{LEADS[kind]}\n"]
        for name, made in plugins(kind).items():
            lines += [f"### {name}\n", f"`{type(made).__module__}.{type(made).__name__}`\n", *_body(made)]
    return "\n".join(lines).rstrip() + "\n"


def _body(made: object) -> list[str]:
    """Return the docstring of a plug-in: prose as prose, sections as lists or code."""
    blocks: list[str] = []
    section = ""
    for block in (inspect.getdoc(type(made)) or "").split("\n\n"):
        lines = block.splitlines()
        if len(lines) > 1 and set(lines[1]) == {"-"}:
            section, lines = lines[0], lines[2:]
        text = "\n".join(lines)
        if section == "Examples":
            blocks.append(f"```pycon\n{text}\n```\n")
        elif section in ("Parameters", "Attributes"):
            blocks.append("\n".join(line if line.startswith(" ") else f"- `{line}`" for line in lines) + "\n")
        else:
            blocks.append((f"{section}: " if section == "References" else "") + text + "\n")
    told = [_parameter(one) for one in getattr(made, "parameters", ()) if one.name != "known"]
    return [*blocks, "\n".join(told) + "\n"] if told else blocks


def _parameter(one: Parameter) -> str:
    """Return a parameter of a rule as an item of a list."""
    default = "" if one.default is None else str(one.default).lower()
    note = "; needed" if one.required else f"; {default} if left out" if default != "" else ""
    return f"- `{one.name}`: {one.about}{note}"


def schemas() -> dict[str, str]:
    """Return the JSON Schema of the configuration and of each output of a command, by its path under docs/."""
    outputs = {f"schemas/{name}.json": schema for name, schema in output_schemas().items()}
    return {path: _written(schema) for path, schema in {"watchkeeper.schema.json": json_schema(), **outputs}.items()}


def _written(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    docs = Path(__file__).parent
    (docs / "schemas").mkdir(exist_ok=True)
    for path, text in {"reference.md": render(), **schemas()}.items():
        (docs / path).write_text(text, encoding="utf-8")
