"""The configuration: every fault names its place, every value its origin."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from watchkeeper.config.chart_options import option_faults
from watchkeeper.config.configuration import check_names, json_schema, load_config, origins, read_config
from watchkeeper.config.model import Maintain
from watchkeeper.config.yaml_text import read_yaml
from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import ConfigError, StoreError
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.spec import Maintenance
from watchkeeper.core.window import Window

FULL = """\
store:
  url: s3://key:pw@bucket/logs
  options: {region: NO, aws_secret_access_key: hush}
models:
  flights:
    source: predictions/*.parquet
    labels: {source: labels.csv}
    reference: {from: 2013-01-01, to: 2013-03-01T00:00:00+00:00}
    columns: {id: id, time: time, features: [a, on, 1]}
    segments: [origin]
    positive: 1
    windows: {every: 1w}
    monitors:
      only:
      - {measure: psi, chart: shewhart, options: {k: 3, side: upper}, cause: data_fault}
    alerts: {k: 1, budget: 200}
    notify:
      - {to: webhook, url: "https://hooks.example.com/T0/secret?x=1", timeout: 5s}
    maintain: {train: "training:train", retrain: never, max_age: 4w}
"""


def fault(text, **environ):
    with pytest.raises(ConfigError) as caught:
        read_config(text, environ=environ)
    return str(caught.value)


def at(config, path):
    return next((value, origin) for where, value, origin in origins(config) if where == path)


def test_a_full_configuration_becomes_the_specification_of_the_pure_steps():
    spec = read_config(FULL).model("flights").spec("flights", Schema(()))
    assert spec.windows.every == timedelta(weeks=1)
    assert spec.reference == Window(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC))
    (monitor,) = spec.monitors
    assert (monitor.measure, monitor.options, monitor.cause) == ("psi", {"k": 3.0, "side": "upper"}, Cause.DATA_FAULT)
    assert (spec.alerts.k, spec.alerts.n, spec.alerts.budget) == (1, 3, 200.0)
    assert (spec.maintenance.train, spec.maintenance.max_age) == ("training:train", timedelta(weeks=4))


def test_roles_features_and_the_positive_class_are_texts_whatever_they_look_like():
    model = read_config(FULL).model("flights")
    assert model.column_options.roles() == {Role.ID: "id", Role.TIME: "time"}
    assert model.columns.features == ("a", "on", "1")
    assert model.positive == "1"


def test_one_column_stands_for_a_list_of_one():
    model = read_config("models: {m: {columns: {features: age, ignore: note}, segments: region}}").model("m")
    assert (model.columns.features, model.columns.ignore, model.segments) == (("age",), ("note",), ("region",))


def test_a_reference_may_be_a_path():
    model = read_config("models: {m: {reference: ref/*.parquet, labels: late.csv}}").model("m")
    assert model.reference.source == "ref/*.parquet"
    assert model.reference_window() is None
    assert model.labels.source == "late.csv"


def test_monitors_default_leaves_the_choice_to_the_runner():
    assert read_config("models: {m: {monitors: default}}").model("m").spec("m", Schema(())).monitors == ()


def test_the_default_budget_is_one_false_alert_a_year_in_windows():
    spec = read_config("models: {m: {windows: {every: 1w}}}").model("m").spec("m", Schema(()))
    assert spec.alerts.budget == pytest.approx(365.25 / 7)


def test_what_is_left_out_of_maintenance_is_the_default_of_the_specification():
    assert read_config("models: {m: {}}").model("m").maintenance() == Maintenance()


def test_the_maintenance_section_has_every_field_of_the_specification():
    assert Maintain.known_keys() == [f.name for f in fields(Maintenance)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modls: {}", "watchkeeper.yaml:1: modls: unknown key; did you mean 'models'? Valid: models, notify, store"),
        ("models:\n  f:\n    windws: {}", "watchkeeper.yaml:3: models.f.windws: unknown key; did you mean 'windows'?"),
        (
            "models:\n  f:\n    windows:\n      grian: 1d",
            "watchkeeper.yaml:4: models.f.windows.grian: unknown key; did you mean 'grain'? Valid: every, grace, grain",
        ),
        (
            "models:\n  f:\n    notify:\n      - to: file\n        pth: x",
            "watchkeeper.yaml:5: models.f.notify.0.pth: unknown key; did you mean 'path'?",
        ),
        (
            "models:\n  f:\n    monitors:\n      only:\n      - {mesure: psi, chart: shewhart}",
            "watchkeeper.yaml:5: models.f.monitors.only.0.mesure: unknown key; did you mean 'measure'?",
        ),
        ("models: {f: {maintain: {retrian: ask}}}", "models.f.maintain.retrian: unknown key; did you mean 'retrain'?"),
        ("models: {f: {maintain: {retrain: yes}}}", "models.f.maintain.retrain: should be 'auto', 'ask' or 'never'"),
        ("models: {f: {maintain: {pickle: yes}}}", "models.f.maintain.pickle: should be a valid boolean; this is yes"),
        ("models: {f: {windows: {every: 12:30:00}}}", "duration '12:30:00' is not understood"),
        ("models: {f: {windows: {every: 36h}}}", "every (36h) must be a whole multiple of grain (1d)"),
        ("models: {f: {alerts: {k: 4}}}", "k (4) of the last n (3) windows cannot signal"),
        ("models: {f: {alerts: {k: 0x10}}}", "models.f.alerts.k: should be a valid integer"),
        ("models: {f: {alerts: {budget: never}}}", "the budget 'never' is not understood"),
        ("models: {f: {reference: {from: 2013-01-01}}}", "give a path, or both from and to"),
        ("models: {f: {reference: {from: 2013-02-01, to: 2013-01-01}}}", "to must be later than from"),
        ("models: {f: {reference: {from: NO, to: 2013-01-01}}}", "should be a date or time"),
        (
            "models: {f: {monitors: deflt}}",
            "models.f.monitors: should be default, or a mapping with also or only",
        ),
        (
            "models: {f: {monitors: [{measure: ks}]}}",
            "write also: [...] to add to them",
        ),
        ("models: {f: {monitors: [{measure: ks}]}}", "or only: [...] to watch nothing else"),
        ("models: {f: {monitors: {also: [], onyl: []}}}", "models.f.monitors.onyl: unknown key; did you mean 'only'?"),
        (
            "models: {f: {monitors: {also: [{measure: ks}], only: []}}}",
            "give also, which leaves the default",
        ),
        ("models: {f: {tolerance: 2}}", "models.f.tolerance: should be less than or equal to 1; this is 2"),
        ("models: {f: {tolerances: {a: 2}}}", "models.f.tolerances: must be from 0 to 1; that of 'a' is 2"),
        ("models: [a]", "models: should be a mapping; this is [a]"),
        ("store: {url: [a]}", "store.url: should be a text; this is [a]"),
    ],
)
def test_a_fault_names_file_line_path_and_what_is_valid(text, words):
    assert words in fault(text)


def test_all_faults_are_told_at_once_in_the_order_of_the_lines():
    lines = fault("models:\n  f:\n    alerts: {k: x}\n    windws: {}\nstor: {}").splitlines()
    assert [line.split(":")[1] for line in lines] == ["3", "4", "5"]


def test_a_missing_file_says_how_to_write_one(tmp_path):
    with pytest.raises(ConfigError, match="watchkeeper init"):
        load_config(tmp_path / "watchkeeper.yaml")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "w.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "w.yaml")


def test_an_unknown_model_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'flights'"):
        read_config(FULL).model("flihgts")


def test_the_environment_overrides_values_and_says_so():
    config = read_config(
        FULL,
        environ={
            "WATCHKEEPER__MODELS__FLIGHTS__ALERTS__K": "2",
            "WATCHKEEPER__MODELS__FLIGHTS__SEGMENTS": "[carrier, NO]",
            "WATCHKEEPER__MODELS__FLIGHTS__NOTIFY__0__TIMEOUT": "9s",
            "WATCHKEEPER__STORE__SQL": "postgresql://user:pw@host/db",
            "PATH": "/bin",
        },
    )
    assert config.model("flights").alerts.k == 2
    assert config.model("flights").segments == ("carrier", "NO")
    assert at(config, "models.flights.alerts.k") == ("2", "env WATCHKEEPER__MODELS__FLIGHTS__ALERTS__K")
    assert at(config, "models.flights.notify.0.timeout")[0] == "9s"
    assert at(config, "store.sql")[1] == "env WATCHKEEPER__STORE__SQL"


def test_a_model_whose_name_no_variable_may_have_can_still_be_overridden():
    config = read_config("models: {my-model.v2: {}}", environ={"WATCHKEEPER__MODELS__MY_MODEL_V2__POSITIVE": "yes"})
    assert config.model("my-model.v2").positive == "yes"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "WATCHKEEPER__MODELS__FLIGHT__POSITIVE",
            "env WATCHKEEPER__MODELS__FLIGHT__POSITIVE: there is no model 'FLIGHT'",
        ),
        ("WATCHKEEPER__STOR__URL", "env WATCHKEEPER__STOR__URL: stor: unknown key; did you mean 'store'?"),
        ("WATCHKEEPER__MODELS__FLIGHTS__NOTIFY__7__TO", "has no place '7'"),
        ("WATCHKEEPER__MODELS__FLIGHTS__ALERTS__K", "models.flights.alerts.k: should be a valid integer"),
    ],
)
def test_a_variable_that_overrides_nothing_is_an_error_that_names_it(name, words):
    message = fault(FULL, **{name: "x"})
    assert words in message
    assert name in message


def test_every_value_has_an_origin():
    config = read_config(FULL)
    assert at(config, "store.options.region") == ("NO", "watchkeeper.yaml:3")
    assert at(config, "models.flights.windows.every") == ("1w", "watchkeeper.yaml:12")
    assert at(config, "models.flights.windows.grain") == ("1d", "default")
    assert at(config, "models.flights.segments") == ("[origin]", "watchkeeper.yaml:10")
    assert at(config, "store.sql") == ("null", "default")


def test_the_origin_of_a_shorthand_is_its_line():
    config = read_config("models:\n  m:\n    reference: r.parquet\n")
    assert at(config, "models.m.reference.source") == ("r.parquet", "watchkeeper.yaml:3")


def test_an_empty_section_leaves_its_values_to_the_defaults():
    assert at(read_config("store: {}"), "store.url")[1] == "default"


def test_no_secret_is_ever_shown():
    config = read_config(FULL, environ={"WATCHKEEPER__STORE__SQL": "postgresql://user:pw@host/db"})
    shown = json.dumps(origins(config))
    for secret in ("hush", "pw@", "user:", "T0/secret"):
        assert secret not in shown
    assert "hooks.example.com" in shown


def test_no_secret_is_shown_wherever_it_stands_in_a_url_or_an_option():
    text = """
    store:
      url: "s3://bucket/path?X-Amz-Signature=hush1"
      sql: "postgresql+psycopg://host/db?user=me&password=hush2"
      options: {region: NO, account_key: hush3, ssekms_key: hush4, sasToken: hush5, proxy: "http://me:hush6@proxy:3128"}
    models:
      m:
        source: "https://host/rows.parquet?sig=hush7&se=2024"
        notify:
          - {to: webhook, url: "https://hooks.example.com/T0/hush8?x=hush9"}
          - to: pager
            options: {routing_key: hush10, address: "https://pager.example.com/hush11", headers: "Bearer hush12345"}
    """
    shown = json.dumps(origins(read_config(text)))
    assert "hush" not in shown
    for plain in ("bucket/path", "host/db", "NO", "proxy:3128", "se=2024", "hooks.example.com", "pager.example.com"):
        assert plain in shown


def test_what_a_configuration_keeps_secret_is_in_no_later_error():
    read_config("store: {options: {secret_key: 'h-u-s-h/1'}}")
    assert str(StoreError("the server says: h-u-s-h%2F1 is no key")) == "the server says: ***** is no key"


def test_no_secret_is_shown_in_a_fault():
    assert "hush" not in fault("store: {options: {secret_key: [hush]}}")


def test_names_of_plug_ins_are_checked_with_the_nearest_one():
    lines = ("models:", "  m:", "    monitors:", "      also:", "      - {measure: psl, chart: shewhart}")
    text = "\n".join((*lines, "    notify: [{to: consle}]\n"))
    with pytest.raises(ConfigError) as caught:
        check_names(read_config(text))
    message = str(caught.value)
    assert "watchkeeper.yaml:5: models.m.monitors.also.0.measure: there is no measure 'psl'; did you mean" in message
    assert "watchkeeper.yaml:6: models.m.notify.0.to: there is no notifier 'consle'; did you mean 'console'?" in message


def test_a_comparison_without_a_chart_is_a_fault_and_a_metric_without_one_is_not():
    text = "models:\n  m:\n    monitors:\n      only:\n      - measure: log_loss\n      - measure: ks\n"
    with pytest.raises(ConfigError) as caught:
        check_names(read_config(text))
    words = "is missing; a comparison needs a chart, as tolerance is for most"
    assert str(caught.value) == f"watchkeeper.yaml:6: models.m.monitors.only.1.chart: {words}"


@pytest.mark.parametrize(
    ("monitor", "place", "words"),
    [
        ("chart: ewma, options: {lamda: 0.2}", "options.lamda",
         "the chart ewma has no option 'lamda'; did you mean 'lambda'?"),
        ("chart: ewma, options: {lambda: 2}", "options", "lambda is 2; valid: more than 0 and at most 1"),
        ("chart: ewma, options: {run_length: 0}", "options", "a run length of 0 cannot be kept; valid: more than 1"),
        ("chart: shewhart, options: {side: uper}", "options.side", "there is no side 'uper'; did you mean 'upper'?"),
        ("chart: shewhart, options: {rules: western_electrik}", "options",
         "there is no run rule 'western_electrik'; did you mean 'western_electric'?"),
        ("chart: cusum, options: {season: moon}", "options.season", "there is no season 'moon'; Valid: auto, hour"),
        ("chart: shewhart, options: {min_samples: soon}", "options.min_samples",
         "must be a number, as 8.0 is, which it is by default; this is 'soon'"),
        ("chart: harmful_shift, options: {better: 1}", "options.better", "must be a text, as 'lower' is"),
        ("options: {rebase: releases}", "options.rebase", "there is no rebase 'releases'; did you mean 'release'?"),
    ],
)  # fmt: skip
def test_options_a_chart_cannot_use_are_faults_of_the_configuration(monitor: str, place: str, words: str):
    with pytest.raises(ConfigError) as caught:
        check_names(read_config(f"models:\n  m:\n    monitors:\n      also:\n      - {{measure: brier, {monitor}}}\n"))
    assert str(caught.value).startswith(f"watchkeeper.yaml:5: models.m.monitors.also.0.{place}: {words}")


def test_options_of_every_chart_pass_with_their_defaults():
    for name, chart in plugins("chart").items():
        assert option_faults(chart, chart.defaults) == {}, name


def test_names_that_exist_pass():
    check_names(read_config(FULL))


def test_the_json_schema_accepts_what_is_accepted_and_refuses_what_is_refused():
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    assert not list(validator.iter_errors(read_yaml(FULL, "f").values))
    assert not list(validator.iter_errors({"models": {"m": {"reference": "a.parquet", "monitors": "default"}}}))
    for wrong in ({"modls": {}}, {"models": {"m": {"windws": {}}}}, {"models": {"m": {"windows": {"every": "12:30"}}}}):
        assert list(validator.iter_errors(wrong))


def test_a_configuration_cannot_be_changed():
    with pytest.raises(Exception, match="frozen"):
        read_config(FULL).store.url = "elsewhere"
