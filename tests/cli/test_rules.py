"""The commands about quality rules, from outside."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from .conftest import Command, parsed, table


def rules(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(f"rules:\n{text}", encoding="utf-8")
    return path


def test_rules_are_suggested_compared_and_checked(
    watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    done = watchkeeper("rules", "suggest", pair[1], "-o", "rules.yaml", "--label", "label", "--id", "id")
    assert done.returncode == 0, done.stderr
    assert "rules to rules.yaml" in done.stderr
    again = watchkeeper("rules", "suggest", pair[1], "-o", "rules.yaml")
    assert again.returncode == 2
    assert "rules diff" in again.stderr
    same = watchkeeper("rules", "diff", "rules.yaml", pair[1], "--label", "label", "--id", "id")
    assert (same.returncode, same.stdout) == (0, "The rules are the same.\n")
    fine = watchkeeper("check", pair[0], "-r", pair[1], "--label", "label", "--rules", "rules.yaml", "--json")
    assert fine.returncode == 0, fine.stdout
    found = [m for m in parsed(fine)["measurements"] if "rule" in m["evidence"]]
    assert len(found) > 10
    assert all(m["status"] == "ok" for m in found)


def test_suggestions_and_differences_are_json_too(
    watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    suggested = parsed(watchkeeper("rules", "suggest", pair[1], "--json"))["rules"]
    assert {"rule": "has_type", "column": "amount", "type": "number"} in suggested
    first = rules(tmp_path, "- {rule: not_null, column: age}\n")
    other = tmp_path / "other.yaml"
    other.write_text("rules:\n- {rule: not_null, column: age, mostly: 0.9}\n")
    changes = parsed(watchkeeper("rules", "diff", first, other, "--json"))["changes"]
    assert [(c["what"], c["rule"], c["column"], c["after"]["mostly"]) for c in changes] == [
        ("changed", "not_null", "age", 0.9)
    ]


def test_a_broken_rule_alerts_with_its_severity_and_is_in_the_report(
    watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    path = rules(
        tmp_path,
        "- {rule: in_range, column: age, lower: 18, upper: 78, severity: notice}\n- {rule: unique, column: id}\n",
    )
    words = ("check", pair[0], "-r", pair[1], "--label", "label", "--rules", path)
    age = pl.read_parquet(pair[0])["age"]
    over = int((age > 78).sum())
    assert over > 0
    text = watchkeeper(*words, "--fail-on", "never").stdout
    assert f"{over} of 3,000 rows" in text
    assert "2 quality rules: 1 kept" in text
    assert watchkeeper(*words).returncode == 0
    done = watchkeeper(*words, "--fail-on", "notice", "--json", "--html", "report.html")
    assert done.returncode == 1
    alert = parsed(done)["alerts"][0]
    assert (alert["severity"], alert["cause"], alert["columns"]) == ("notice", "data_fault", ["age"])
    page = (tmp_path / "report.html").read_text()
    assert "Quality rules, worst first" in page
    assert ">kept<" in page


def test_hostile_values_of_offending_rows_are_shown_and_not_obeyed(
    watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    evil = "<script>alert(1)</script>\x1b[31m[bold]"
    frame = pl.read_parquet(pair[0])
    frame.with_columns(plan=pl.when(pl.int_range(pl.len()) < 9).then(pl.lit(evil)).otherwise("plan")).write_parquet(
        tmp_path / "evil.parquet"
    )
    path = rules(tmp_path, "- {rule: in_set, column: plan, values: [basic, plus, pro]}\n")
    done = watchkeeper("check", "evil.parquet", "-r", pair[1], "--rules", path, "--html", "report.html")
    assert "\x1b[31m" not in done.stdout
    assert "<script>alert" not in (tmp_path / "report.html").read_text()
    listed = watchkeeper("rules", "rows", "evil.parquet", "--rules", path)
    assert listed.returncode == 1
    assert "\x1b[31m" not in listed.stdout


def test_offending_rows_are_listed_with_their_place_and_no_more_than_asked(
    process: Command, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    frame = table(1_000, 5)
    frame = pl.concat([frame, frame[[3, 7]]]).with_columns(
        age=pl.when(pl.int_range(pl.len()).is_in([10, 20, 30])).then(-1).otherwise("age")
    )
    frame.write_parquet(tmp_path / "now.parquet")
    path = rules(
        tmp_path,
        "- {rule: in_range, column: age, lower: 0}\n- {rule: unique, column: id}\n- {rule: not_null, column: plan}\n"
        "- {rule: mean, column: age, lower: 0}\n",
    )
    done = process("rules", "rows", "now.parquet", "--rules", path, "--limit", "2", "--id", "id", "--json")
    assert done.returncode == 1
    found = {one["rule"]: one for one in parsed(done)["rules"]}
    assert set(found) == {"in_range", "unique", "not_null"}
    assert [(r["row"], r["age"]) for r in found["in_range"]["rows"]] == [(10, -1), (20, -1)]
    assert (found["in_range"]["offending"], found["in_range"]["checked"]) == (3, 1_002)
    assert [r["row"] for r in found["unique"]["rows"]] == [3, 7]
    assert found["unique"]["offending"] == 4
    assert (found["not_null"]["offending"], found["not_null"]["rows"]) == (0, [])
    one = process("rules", "rows", "now.parquet", "--rules", path, "--rule", "not_null")
    assert one.returncode == 0
    assert "✓ plan: not_null: 0 of 1,002 rows" in one.stdout


def test_wrong_rules_files_and_names_are_told(watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    path = rules(tmp_path, "- {rule: not_null, column: agee}\n")
    check = ("check", pair[0], "-r", pair[1], "--rules")
    lost = watchkeeper(*check, path)
    assert lost.returncode == 2
    assert "rule 1 (not_null): there is no column 'agee' in either table; did you mean 'age'" in lost.stderr
    assert watchkeeper(*check, "gone.yaml").returncode == 2
    path = rules(tmp_path, "- {rule: not_nul, column: age}\n")
    wrong = watchkeeper(*check, path)
    assert wrong.returncode == 2
    assert "rules.yaml:2: rule 1: there is no kind of rule 'not_nul'; did you mean 'not_null'" in wrong.stderr
    path = rules(tmp_path, "- {rule: not_null, column: age}\n- {rule: mean, column: age, lower: 0}\n")
    rows = ("rules", "rows", pair[0], "--rules", path, "--rule")
    assert "did you mean 'not_null'" in watchkeeper(*rows, "not_nul").stderr
    assert "is about a statistic" in watchkeeper(*rows, "mean").stderr


def test_rules_and_strange_rows_read_values_as_they_are_declared(watchkeeper: Command, tmp_path: Path) -> None:
    prices = [f"{1 + number % 7}.{number % 900 + 100}" for number in range(120)]
    for name, cheapest in (("then", "1.500"), ("now", "0.900")):
        (tmp_path / f"{name}.csv").write_text("\n".join(["price;k", *(f"{p};1" for p in [*prices, cheapest, "-999"])]))
    path = rules(tmp_path, "- {rule: in_range, column: price, lower: 1000}\n")
    declared = ("--type", "price=numeric 1.234,5", "--missing", "-999", "--json")
    for more in ((), ("--reference", "then.csv")):
        (found,) = parsed(watchkeeper("rules", "rows", "now.csv", "--rules", path, *more, *declared))["rules"]
        assert (found["checked"], [row["price"] for row in found["rows"]]) == (121, [900])
    suggested = parsed(watchkeeper("rules", "suggest", "then.csv", *declared))["rules"]
    assert any(rule["rule"] == "in_range" and rule.get("upper", 0) > 7_000 for rule in suggested)
    strange = parsed(watchkeeper("anomalies", "now.csv", "-r", "then.csv", *declared))
    assert max(float(row["values"]["price"] or 0) for row in strange["found"]) > 1_000
