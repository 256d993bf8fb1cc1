"""Roles, kinds, task and maps inferred from a sample; expected values by reading the sample, and from NumPy."""

from datetime import UTC, datetime, timedelta
from math import inf, isfinite, nan

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Kind, NumericMap, Role, Task
from watchkeeper.schema.inference import infer_schema
from watchkeeper.schema.kinds import map_of

N = 400
START = datetime(2013, 1, 1)  # noqa: DTZ001 - without a zone on purpose
RNG = np.random.default_rng(0)
SCORE = RNG.random(N)
LABEL = (RNG.random(N) < SCORE).astype(int)


def log(**columns):
    base = {
        "prediction_id": np.arange(N), "timestamp": [START + timedelta(hours=i) for i in range(N)],
        "distance": RNG.lognormal(6, 1, N), "carrier": RNG.choice(["AA", "UA", "B6"], N), "score": SCORE,
        "prediction": (SCORE > 0.5).astype(int), "label": LABEL, "latency_ms": RNG.gamma(2, 3, N),
        "model_version": RNG.choice(["1", "2"], N),
    }  # fmt: skip
    return pl.DataFrame({**base, **columns})


def roles(schema):
    return {c.name: c.role for c in schema}


def test_roles_are_found_by_name_and_content():
    assert roles(infer_schema(log())) == {
        "prediction_id": Role.ID, "timestamp": Role.TIME, "distance": Role.FEATURE, "carrier": Role.FEATURE,
        "score": Role.SCORE, "prediction": Role.PREDICTION, "label": Role.LABEL, "latency_ms": Role.LATENCY,
        "model_version": Role.VERSION,
    }  # fmt: skip


def test_every_column_says_why():
    for column in infer_schema(log()):
        assert column.role.value in column.why
        assert column.kind.value in column.why


def test_a_role_that_is_given_wins_over_the_names():
    schema = infer_schema(log(truth=LABEL), roles={Role.LABEL: "truth"})
    assert schema.name_of(Role.LABEL) == "truth"
    assert schema["label"].role is Role.FEATURE


def test_a_name_without_fitting_content_is_no_role():
    schema = infer_schema(log(score=RNG.normal(700, 50, N), timestamp=RNG.normal(size=N), prediction_id=[1] * N))
    assert {schema[name].role for name in ("score", "timestamp", "prediction_id")} == {Role.FEATURE}
    assert "do not fit" in schema["score"].why


def test_a_few_doubled_ids_do_not_hide_the_id():
    schema = infer_schema(log(prediction_id=[0, 0, *range(2, N)]))
    assert schema.name_of(Role.ID) == "prediction_id"
    assert "doubled" in schema["prediction_id"].why


@pytest.mark.parametrize(
    "times",
    [
        ["2013-01-01T00:00:00+01:00"] * N,
        [datetime(2013, 1, 1, tzinfo=UTC)] * N,
        [1356998400 + i for i in range(N)],
        [1356998400000 + i for i in range(N)],
    ],
)
def test_every_form_of_time_is_the_time_and_will_be_read_as_utc(times):
    column = infer_schema(log(timestamp=times))["timestamp"]
    assert (column.role, column.kind) == (Role.TIME, Kind.TIME)
    assert column.dtype == "Datetime(time_unit='us', time_zone='UTC')"
    assert column.map.anchor == pytest.approx(1356998400, abs=10_000)


def test_a_single_column_of_dates_is_the_time_whatever_its_name():
    frame = pl.DataFrame({"flown": [START, START + timedelta(days=1)], "x": [1.0, 2.0]})
    assert infer_schema(frame).name_of(Role.TIME) == "flown"


def test_probabilities_called_prediction_are_the_score():
    schema = infer_schema(log().drop("score").with_columns(prediction=SCORE))
    assert schema["prediction"].role is Role.SCORE
    assert schema.task is Task.BINARY


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (RNG.normal(size=N), Kind.NUMERIC),
        (RNG.integers(0, 5, N), Kind.NUMERIC),
        (RNG.random(N) < 0.5, Kind.BOOLEAN),
        (RNG.choice(["a", "b"], N), Kind.CATEGORICAL),
        ([f"user {i}" for i in range(N)], Kind.IDENTIFIER),
        ([timedelta(minutes=i) for i in range(N)], Kind.NUMERIC),
        ([START] * N, Kind.TIME),
        ([f"parcel {i} came late, and the box was wet" for i in range(N)], Kind.TEXT),
        ([f"荷物{i}が届きましたが、箱は濡れていました" for i in range(N)], Kind.TEXT),
        (["the parcel came late, and the box was wet"] * N, Kind.CATEGORICAL),
        ([f"Maria da Silva {i}" for i in range(N)], Kind.IDENTIFIER),
        ([f"https://example.org/the/{i}/very/long/way/home" for i in range(N)], Kind.IDENTIFIER),
        ([f"{i} 12 99 17 23 56 81 a" for i in range(N)], Kind.IDENTIFIER),
        ([[1, 2]] * N, Kind.VECTOR),
        (RNG.normal(size=(N, 3)), Kind.VECTOR),
        ([[1, 2], [1]] * (N // 2), Kind.UNUSABLE),
        (pl.Series([[]] * N, dtype=pl.List(pl.Float64)), Kind.UNUSABLE),
        ([["a", "b"]] * N, Kind.UNUSABLE),
        ([{"a": 1}] * N, Kind.UNUSABLE),
        ([None] * N, Kind.CATEGORICAL),
        (pl.Series([None] * N, dtype=pl.Float64), Kind.NUMERIC),
        (pl.Series(["a", "b"] * (N // 2), dtype=pl.Categorical), Kind.CATEGORICAL),
    ],
)
def test_kinds_are_found_by_content(values, kind):
    assert infer_schema(log(x=values))["x"].kind is kind


def test_whole_numbers_are_categories_only_when_their_name_says_so():
    codes = RNG.integers(1, 9, N)
    schema = infer_schema(log(zip_code=codes, hour=codes, customer_id=np.arange(N)))
    assert schema["zip_code"].kind is Kind.CATEGORICAL
    assert schema["hour"].kind is Kind.NUMERIC
    assert schema["customer_id"].kind is Kind.IDENTIFIER


@pytest.mark.parametrize(
    ("label", "task", "classes", "positive"),
    [
        (LABEL, Task.BINARY, ("0", "1"), "1"),
        (LABEL.astype(float), Task.BINARY, ("0", "1"), "1"),
        (LABEL == 1, Task.BINARY, ("false", "true"), "true"),
        (np.where(LABEL, "yes", "no"), Task.BINARY, ("no", "yes"), "yes"),
        (np.where(LABEL, "bad", "good"), Task.BINARY, ("bad", "good"), "bad"),
        (np.where(LABEL, "worse", "bad"), Task.BINARY, ("bad", "worse"), "worse"),
        (RNG.integers(8, 12, N), Task.MULTICLASS, ("8", "9", "10", "11"), None),
        (RNG.choice(["a", "b", "c"], N), Task.MULTICLASS, ("a", "b", "c"), None),
        (RNG.normal(size=N), Task.REGRESSION, (), None),
        (RNG.integers(0, 300, N), Task.REGRESSION, (), None),
        (np.zeros(N, int), Task.BINARY, ("0", "1"), "1"),
    ],
)
def test_the_task_its_classes_and_the_positive_one_are_found(label, task, classes, positive):
    schema = infer_schema(log(label=label).drop("prediction"))
    assert (schema.task, schema.classes, schema.positive) == (task, classes, positive)


def test_classes_are_those_of_labels_and_predictions_together():
    schema = infer_schema(log(label=["a", "b"] * (N // 2), prediction=["b", "c"] * (N // 2)))
    assert schema.classes == ("a", "b", "c")


def test_a_null_or_nan_label_is_no_class():
    labels = pl.Series([0.0, 1.0, nan, None] * (N // 4))
    assert infer_schema(log(label=labels)).classes == ("0", "1")


def test_a_positive_class_whose_rows_score_lower_is_pointed_out():
    schema = infer_schema(log(label=1 - LABEL, prediction=(SCORE < 0.5).astype(int)))
    assert schema.positive == "1"
    assert "check what the score is" in schema["label"].why


@pytest.mark.parametrize("given", ["0", "0.0", "false", "FALSE"])
def test_the_positive_class_may_be_given_in_any_spelling(given):
    label = LABEL if given.startswith("0") else LABEL == 1
    schema = infer_schema(log(label=label).drop("prediction"), positive=given)
    assert schema.positive == schema.classes[0]


def test_a_positive_class_that_does_not_occur_is_refused_with_the_nearest():
    with pytest.raises(SchemaError, match="did you mean 'yes'"):
        infer_schema(log(label=np.where(LABEL, "yes", "no")).drop("prediction"), positive="yess")


def test_labels_and_predictions_in_two_spellings_are_refused():
    with pytest.raises(SchemaError, match="written in two ways"):
        infer_schema(log(prediction=SCORE > 0.5))


def test_labels_and_predictions_that_share_no_class_are_refused_where_chance_does_not_explain_it() -> None:
    frame = pl.DataFrame({"label": ["yes", "no"] * 15, "prediction": [0, 1, 1, 0, 1] * 6})
    with pytest.raises(SchemaError, match=r"\(no, yes\) and predictions in 'prediction' \(0, 1\) share no class"):
        infer_schema(frame)
    assert infer_schema(frame.head(29)).classes == ("0", "1", "no", "yes")
    assert infer_schema(frame.with_columns(label=pl.lit(None, pl.String))).classes == ("0", "1")
    wrong = pl.DataFrame({"label": ["a"] * 40, "prediction": ["b"] * 40})
    assert infer_schema(wrong).task is Task.BINARY


def test_grades_can_be_declared_classes():
    grades = RNG.integers(1, 31, N)
    schema = infer_schema(log(label=grades, prediction=grades), task=Task.MULTICLASS)
    assert schema.classes == tuple(str(g) for g in range(1, 31))


def test_the_map_is_the_median_and_the_interquartile_range():
    x = RNG.lognormal(3, 1, 1_001)
    found = map_of(pl.Series(x))
    assert found.anchor == np.median(x)
    assert found.scale == pytest.approx(np.subtract(*np.quantile(x, [0.75, 0.25])))


def test_a_scale_falls_back_to_the_mean_absolute_deviation_and_then_to_one():
    assert map_of(pl.Series([0.0] * 9 + [10.0])) == NumericMap(0.0, 1.0)
    assert map_of(pl.Series([0.0] * 8 + [10.0, -30.0])) == NumericMap(0.0, 4.0)
    assert map_of(pl.Series([7.0] * 10)) == NumericMap(7.0, 1.0)


@pytest.mark.parametrize(
    "values",
    [
        [nan, inf, -inf],
        [None, None],
        [],
        [5e-324, 0.0, 5e-324, 1e-320],
        [1.7e308, -1.7e308, 1.7e308, -1.7e308],
        [1e300],
    ],
)
def test_a_map_is_always_finite_and_so_is_its_inverse(values):
    found = map_of(pl.Series(values, dtype=pl.Float64))
    assert isfinite(found.anchor)
    assert isfinite(found.scale)
    assert isfinite(1 / found.scale)
    assert found.scale > 0


def test_probabilities_and_latency_keep_their_own_unit():
    schema = infer_schema(log())
    assert schema["score"].map == schema["latency_ms"].map == NumericMap(0.0, 1.0)
    margin = infer_schema(log(margin=RNG.normal(3, 5, N)).drop("score"), roles={Role.SCORE: "margin"})
    assert margin["margin"].map != NumericMap(0.0, 1.0)


def test_the_fifty_commonest_values_are_segments():
    names = [f"s{i:03}" for i in range(60) for _ in range(61 - i)]
    frame = pl.DataFrame({"city": names})
    (rule,) = infer_schema(frame, segments=["city"]).segments
    assert rule.values == tuple(f"s{i:03}" for i in range(50))


def test_a_segment_column_is_a_feature_unless_the_features_leave_it_out():
    assert infer_schema(log(), segments=["carrier"])["carrier"].role is Role.FEATURE
    schema = infer_schema(log(), segments=["carrier"], features=["distance"])
    assert schema["carrier"].role is Role.SEGMENT
    assert [c.name for c in schema.features] == ["distance"]


def test_columns_outside_the_features_given_are_ignored():
    schema = infer_schema(log(extra=SCORE), features=["distance"], ignore=["carrier"])
    assert schema["extra"].role is schema["carrier"].role is Role.IGNORED


@pytest.mark.parametrize(
    "arguments",
    [
        {"roles": {Role.LABEL: "lable"}}, {"features": ["lable"]}, {"ignore": ["lable"]}, {"segments": ["lable"]},
    ],
)  # fmt: skip
def test_a_column_that_does_not_exist_is_refused_with_the_nearest(arguments):
    with pytest.raises(SchemaError, match="did you mean 'label'"):
        infer_schema(log(), **arguments)


def test_a_column_with_two_meanings_is_refused():
    for arguments in (
        {"roles": {Role.LABEL: "label", Role.PREDICTION: "label"}},
        {"roles": {Role.LABEL: "label"}, "features": ["label"]},
        {"features": ["distance"], "ignore": ["distance"]},
        {"segments": ["carrier"], "ignore": ["carrier"]},
    ):
        with pytest.raises(SchemaError, match="keep one of the two"):
            infer_schema(log(), **arguments)


def test_a_time_column_that_holds_no_times_is_refused():
    with pytest.raises(SchemaError, match="the time column 'carrier'"):
        infer_schema(log(), roles={Role.TIME: "carrier"})


def test_a_score_of_text_is_refused():
    with pytest.raises(SchemaError, match="the score column 'carrier'"):
        infer_schema(log(), roles={Role.SCORE: "carrier"})


@pytest.mark.parametrize("name", ["@outcome", "@rows", "__watchkeeper_group__"])
def test_names_kept_for_internal_use_are_refused_clearly(name):
    with pytest.raises(SchemaError, match="internal use"):
        infer_schema(log(**{name: SCORE}))


def test_a_reserved_name_may_be_ignored():
    assert infer_schema(log(**{"@rows": SCORE}), ignore=["@rows"])["@rows"].role is Role.IGNORED


def test_a_column_without_a_name_is_ignored_and_says_so():
    column = infer_schema(pl.DataFrame({"": [0, 1], "x": [1.0, 2.0]}))[""]
    assert column.role is Role.IGNORED
    assert "no name" in column.why


def test_a_sample_without_rows_still_has_a_schema():
    assert [c.name for c in infer_schema(log().head(0))] == log().columns


def test_an_all_null_column_holds_later_rows_to_no_type():
    assert infer_schema(log(x=[None] * N))["x"].dtype == ""


@pytest.mark.parametrize("role", [Role.LABEL, Role.PREDICTION])
def test_lists_cannot_be_labels_or_predictions(role):
    with pytest.raises(SchemaError, match=rf"the {role.value} column 'parts' holds List, which has no single values"):
        infer_schema(log(parts=[[1.5, 2.0]] * N), roles={role: "parts"})


def test_a_label_of_nothing_but_nan_has_no_task():
    frame = log(truth=[nan] * N).select("distance", "truth")
    assert infer_schema(frame, roles={Role.LABEL: "truth"}).task is Task.NONE


def test_lengths_of_time_may_be_labels_and_segments():
    frame = log(wait=[timedelta(minutes=i % 2) for i in range(N)]).drop("prediction")
    schema = infer_schema(frame, roles={Role.LABEL: "wait"}, segments=["wait"])
    assert len(schema.segments[0].values) == 2


def test_free_text_and_vectors_say_why():
    schema = infer_schema(
        log(review=[f"parcel {i} came late, and the box was wet" for i in range(N)], e=[[1.0, 2.0]] * N)
    )
    # "parcel 0 came late, and the box was wet": nine words, of which eight hold a letter.
    assert "free text: 8 words in the middle one, 400 different in 400 rows" in schema["review"].why
    assert "vectors of 2 numbers" in schema["e"].why


def test_few_texts_are_categories_until_there_are_twenty():
    texts = [f"parcel {i} came late, and the box was wet" for i in range(20)]
    assert infer_schema(pl.DataFrame({"x": texts[:19]}))["x"].kind is Kind.CATEGORICAL
    assert infer_schema(pl.DataFrame({"x": texts}))["x"].kind is Kind.TEXT
