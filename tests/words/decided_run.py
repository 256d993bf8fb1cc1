"""Writes what was decided in a story, which it plays first if it is not there yet.

Usage: python decided_run.py STORY FOLDER [--silent]: FOLDER.json holds all signals, alerts, diagnoses and actions that
FOLDER stores, and the exit codes of the commands that decide something; with --silent not a single sentence is made.
"""

from __future__ import annotations

import inspect
import json
import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

Sentences = dict[int, Any]


def silence() -> Sentences:
    """Replace every wording function by one that returns an empty string; return those replaced by their identity."""
    import watchkeeper.words

    replaced = {}
    for module in list(wording_modules()):
        for name, item in list(vars(module).items()):
            own = getattr(item, "__module__", "") == module.__name__
            if inspect.isfunction(item) and own and not name.startswith("_"):
                replaced[id(item)] = item
                setattr(module, name, lambda *_, **__: "")
    # A module may have taken another's functions before they were replaced.
    for module in wording_modules():
        for name, item in list(vars(module).items()):
            if id(item) in replaced:
                setattr(module, name, lambda *_, **__: "")
    assert len(replaced) > 5, f"only {len(replaced)} functions of {watchkeeper.words} make sentences"
    return replaced


def wording_modules() -> Iterator[Any]:
    """Import every module of words/."""
    import watchkeeper.words

    for found in pkgutil.walk_packages(watchkeeper.words.__path__, "watchkeeper.words."):
        yield import_module(found.name)


def silence_plugins() -> int:
    """Let what measures, judges or proposes say nothing of itself; return how many said something."""
    from watchkeeper.core.plugins import plugins

    talkers = 0
    for kind in ("comparison", "metric", "chart", "rule", "trigger", "statistic", "estimator"):
        for made in plugins(kind).values():
            for name in ("describe", "sentence", "words"):
                if inspect.ismethod(getattr(made, name, None)):
                    setattr(type(made), name, lambda *_, **__: "")
                    talkers += 1
    return talkers


class Demo:
    """The demo as a story."""

    MODEL = "flights"
    TABLES = "2013-01-01", "2013-03-04", "2013-05-13"

    def play(self, folder: Path) -> list[str]:
        """Play the story and return its lines."""
        from watchkeeper.demo.story import tell

        lines: list[str] = []
        tell(folder, lines.append, lambda *_: None).close()
        return lines


def story_of(name: str) -> Any:
    """Return what plays a story, says what its model is called, and names files: the reference, a fine one, a bad."""
    return Demo() if name == "demo" else import_module("tests.words.short_story")


def decided(folder: Path, story: Any) -> dict[str, Any]:
    """Return what was decided, and how each command ends that decides something."""
    from watchkeeper.cli.app import main
    from watchkeeper.run.project import open_project
    from watchkeeper.store.nouns import KINDS, to_json

    project = open_project(folder / "watchkeeper.yaml", {})
    nouns = {
        kind: [to_json(noun) for noun in project.store.recorded(story.MODEL, KINDS[kind])]
        for kind in ("signal", "alert", "diagnosis", "action")
    }
    broken = project.audit_breaks(story.MODEL)
    project.close()
    config = ["--config", str(folder / "watchkeeper.yaml")]
    tables = folder / "incoming" / "predictions"
    before, fine, wrong = (str(tables / f"{name}.parquet") for name in story.TABLES)
    commands = [
        ["run", *config], ["status", *config], ["explain", *config], ["promote", "v0", *config],
        ["check", before, "--reference", before], ["check", wrong, "--reference", fine],
        ["check", wrong, "--reference", fine, "--fail-on", "never"],
    ]  # fmt: skip
    return {"nouns": nouns, "broken": broken, "exits": [exit_of(main, command) for command in commands]}


def exit_of(main: Any, command: list[str]) -> list[Any]:
    """Return a command with the code it ends with."""
    said = [word for word in command if "/" not in word]
    sys.argv = ["watchkeeper", *command]
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    return [said, code]


def main(name: str, folder: Path, silent: bool) -> None:
    """Write what was decided."""
    replaced = silence() if silent else {}
    talkers = silence_plugins() if silent else 0
    story = story_of(name)
    lines = [] if folder.exists() else story.play(folder)
    result = {**decided(folder, story), "lines": lines, "talkers": talkers}
    loaded = [module for name, module in sys.modules.items() if name.startswith("watchkeeper.")]
    left = {f"{m.__name__}.{key}" for m in loaded for key, item in list(vars(m).items()) if id(item) in replaced}
    assert not left, f"sentences are still made in {sorted(left)}"
    Path(f"{folder}.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), "--silent" in sys.argv[3:])
