"""Help: quick, complete, and near when somebody mistypes."""

from __future__ import annotations

import pytest

import watchkeeper as package
from tests.counting import cost_of

from .conftest import Command

HEAVY = {
    "alembic", "altair", "deltalake", "jinja2", "numpy", "polars", "rich", "scipy", "skops", "sklearn",
    "sqlalchemy", "vl_convert", "yaml",
}  # fmt: skip
COMMANDS = (
    "check", "anomalies", "demo", "init", "prove", "run", "status", "report", "explain", "ack", "mute", "unmute",
    "behaviour", "versions", "adopt", "promote", "rollback", "retrain", "compress", "gc", "why", "model-card", "config",
    "notify", "rules", "store", "audit", "rollout",
)  # fmt: skip


MAIN = "from watchkeeper.cli.app import main\nmain()"


@pytest.mark.parametrize(
    ("words", "lines", "modules"),
    # Typer and click execute nearly all of them: 21,000 a command, of which only the one that is asked for is built.
    [(["--help"], 25_000 * len(COMMANDS), 180), (["check", "--help"], 700_000, 320), (["--version"], 350_000, 180)],
)
def test_help_answers_at_once(words: list[str], lines: int, modules: int) -> None:
    cost = cost_of(MAIN, *words)
    assert cost.lines < lines
    assert len(cost.modules) < modules
    assert not HEAVY & cost.packages


def test_every_command_is_told_in_one_whole_line(watchkeeper: Command) -> None:
    done = watchkeeper("--help")
    assert done.returncode == 0
    listed = done.stdout.partition("Commands:")[2].strip().splitlines()
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert not any(line.endswith("...") for line in listed)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(watchkeeper: Command, command: str) -> None:
    text = watchkeeper(command, "--help").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert "<str>" not in text.partition("Options:")[2]
    options = [line for line in text.splitlines() if line.startswith("  -")]
    lines = text.splitlines()
    for line in options:
        explained = len(line.split("  ")) > 2 or lines[lines.index(line) + 1].startswith(" " * 10)
        assert explained, line


def test_the_version_is_the_packages(watchkeeper: Command) -> None:
    done = watchkeeper("--version")
    assert (done.returncode, done.stdout) == (0, f"watchkeeper {package.__version__}\n")


@pytest.mark.parametrize(
    ("words", "near"),
    [(["chekc"], "check"), (["config", "shwo"], "show"), (["check", "a", "--refrence", "b"], "--reference"),
     (["run", "--jsno"], "--json"), (["check", "a", "-r", "b", "--fail-on", "pages"], "'page'")],
)  # fmt: skip
def test_a_mistyped_word_is_answered_with_a_near_one(watchkeeper: Command, words: list[str], near: str) -> None:
    done = watchkeeper(*words)
    assert done.returncode == 2
    assert near in done.stderr
    assert done.stdout == ""


def test_without_words_the_help_is_shown_and_it_is_a_wrong_call(watchkeeper: Command) -> None:
    done = watchkeeper()
    assert done.returncode == 2
    assert "Commands:" in done.stdout + done.stderr


def test_the_shell_completes_commands_and_options(process: Command) -> None:
    def completed(words: str, word: int) -> list[str]:
        how = {"COMP_WORDS": words, "COMP_CWORD": str(word), "_WATCHKEEPER_COMPLETE": "complete_bash"}
        return process(**how).stdout.split()

    assert completed("watchkeeper st", 1) == ["status", "store"]
    assert completed("watchkeeper store c", 2) == ["compact", "check"]
    assert "--fail-on" in completed("watchkeeper status --f", 2)
