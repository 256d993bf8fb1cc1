"""Texts that somebody may hand over as a configuration, by what they are."""

# ruff: noqa: E501

from __future__ import annotations

__all__ = ["TEXTS"]

MODEL = "models:\n  m:\n    source: a.parquet\n"


def model(lines: str) -> str:
    return MODEL + "".join(f"    {line}\n" for line in lines.splitlines())


TEXTS: dict[str, bytes | str] = {
    "nothing": "", "blank": "  \n\n", "comment": "# nothing\n", "null": "null", "tilde": "~", "number": "7", "text": "models",
    "list": "- models", "true": "true", "date": "2024-01-01", "document end": "...", "two documents": "models: {}\n---\nmodels: {}",
    "tab": "models:\n\tm: {}", "open brace": "models: {", "open bracket": "models: [", "open quote": "models: 'a", "colon": ":",
    "dash": "-", "key alone": "models", "models null": "models:", "models list": "models: [a, b]", "models text": "models: a",
    "models number": "models: 7", "model null": "models:\n  m:", "model text": "models: {m: a.parquet}",
    "model list": "models: {m: [a]}", "no name": "models: {'': {source: a}}", "name null": "models: {null: {source: a}}",
    "name number": "models: {7: {source: a}}", "name true": "models: {true: {source: a}}", "name date": "models: {2024-01-01: {source: a}}",
    "name list": "models: {[a]: {source: a}}", "name map": "models: {{a: b}: {source: a}}", "name twice": "models: {m: {}, m: {}}",
    "name with NUL": 'models: {"a\\0b": {source: a}}', "half a character": 'models: {"\\ud800": {source: a}}',
    "name of dots": "models: {'..': {source: a}}", "name with slashes": "models: {'../../etc': {source: a}}",
    "long name": f"models: {{{'x' * 5_000}: {{source: a}}}}", "unknown key": "modles: {}", "unknown key in model": model("sauce: a"),
    "merge": "a: &a {source: x}\nmodels: {m: {<<: *a}}", "unknown anchor": "models: *nobody", "circle": "models: &a {m: *a}",
    "laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{n}: &{n} [{','.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)),
    "python object": "models: !!python/object/apply:os.system ['true']", "unknown tag": "models: !secret x", "binary": "models: !!binary AAAA",
    "set": "models: !!set {a, b}", "timestamp": "models: !!timestamp 2024-01-01", "infinity": model("positive: .inf"),
    "octal": model("positive: 0o17"), "huge number": model(f"positive: {'9' * 5_000}"), "deep": "[" * 5_000, "deep maps": "{a: " * 2_000,
    "bom": "\ufeff" + MODEL, "latin-1": "models: {caf\xe9: {}}".encode("latin-1"), "utf-16": MODEL.encode("utf-16"),
    "nul byte": b"models:\x00", "control character": b"models: \x07", "carriage returns": MODEL.replace("\n", "\r\n"),
    "binary file": bytes(range(256)), "gzip": b"\x1f\x8b\x08\x00", "json": '{"models": {"m": {"source": "a"}}}',
    "percent directive": "%YAML 9.9\n---\nmodels: {}", "question marks": "? models\n: {m: {source: a}}", "source twice": model("source: b"),
    "source null": model("labels:"), "source list": model("labels: [a]"), "reference number": model("reference: 7"),
    "reference both": model("reference: {source: a, from: 2024-01-01, to: 2024-02-01}"), "reference backwards": model("reference: {from: 2024-02-01, to: 2024-01-01}"),
    "reference of year 99999": model("reference: {from: 99999-01-01, to: 99999-02-01}"), "columns list": model("columns: [a]"),
    "column twice": model("columns: {id: a, time: a}"), "features number": model("columns: {features: 7}"), "windows text": model("windows: daily"),
    "window of nothing": model("windows: {every: 0d}"), "window below zero": model("windows: {every: -1d}"), "huge window": model("windows: {every: 999999w}"),
    "odd grain": model("windows: {every: 1d, grain: 7h}"), "monitors number": model("monitors: 7"), "monitors null": model("monitors:"),
    "unknown measure": model("monitors: [{measure: psl, chart: tolerance}]"), "unknown chart": model("monitors: [{measure: psi, chart: tolerence}]"),
    "option that is none": model("monitors: [{measure: psi, chart: tolerance, options: {tolerance: [1]}}]"), "alerts below zero": model("alerts: {k: -1}"),
    "alerts beyond": model("alerts: {k: 5, n: 2}"), "budget in tongues": model("alerts: {budget: eternal peace}"), "notify text": model("notify: console"),
    "notify nobody": model("notify: [{to: nobody}]"), "rules number": model("rules: 7"), "task unknown": model("task: guessing"),
    "intake text": model("intake: all"), "intake unknown": model("intake: {on_change: weep}"), "intake ahead": model("intake: {ahead: soon}"),
    "intake earliest": model("intake: {earliest: 0000-00-00}"), "store text": "store: here\n" + MODEL, "store url number": "store: {url: 7}\n" + MODEL,
    "environment": "store: {url: ${NOBODY_SET_THIS}}\n" + MODEL, "open environment": "store: {url: '${'}\n" + MODEL,
    "environment in itself": "store: {url: '${A${B}}'}\n" + MODEL, "train elsewhere": model("maintain: {train: '..:os'}"),
    "maintain unknown": model("maintain: {retrain: often}"), "fairness number": model("fairness: 7"), "metrics unknown": model("metrics: {value: {a: {b: c}}}"),
    "retention text": "store: {retention: for ever}\n" + MODEL, "retention below zero": "store: {retention: {numbers: -1d}}\n" + MODEL,
}  # fmt: skip
