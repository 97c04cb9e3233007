"""A model's life on the real libraries: what earns the champion's place, what does not, and the way back."""

import json
import sys
from argparse import Namespace
from datetime import UTC, date, datetime, timedelta

import joblib
import numpy as np
import polars as pl
import pytest

from habitlake.clock import Interval, night_end
from habitlake.errors import PermanentError
from habitlake.job import JobContext
from habitlake.lake import arrow_schema, replace_nights, scan_table, stored_table
from habitlake.log import get_logger
from habitlake.nights.ledger import open_nights, pinned_challengers
from habitlake.runtime import postgres
from habitlake.settings import Settings
from habitlake.tables import get_table
from habitlake.tables.models import DAILY_OUTPUTS
from models.adherence.config import SPEC as ADHERENCE
from models.daily_session.config import SPEC as DAILY
from models.lapse_7d.config import SPEC
from models.lifecycle import dataset, evaluate, monitor, promote, train
from models.lifecycle.days import NAMES, WIDTH, of_day
from models.lifecycle.files import dataset_folder, read_json, run_folder, write_json
from models.lifecycle.registry import champions, load_version, newest_health
from models.lifecycle.spec import MIN_ROWS_PILOT
from models.lifecycle.versions import Versions

FIRST = date(2026, 1, 5)
PEOPLE, NIGHTS = 150, 12
FEATURES, LABEL = SPEC.features, SPEC.label_column
TRAINING = Interval(FIRST, FIRST + timedelta(days=89))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A home with a Postgres, for the ledger that pins versions."""
    settings = Settings(home=tmp_path_factory.mktemp("m"), _env_file=None)
    postgres.start(settings)
    yield settings
    postgres.stop(settings)


@pytest.fixture
def world(server, tmp_path):
    """Settings with a lake and a registry of their own."""
    changes = {"lake": str(tmp_path / "lake"), "mlflow_tracking_uri": f"sqlite:///{tmp_path}/mlflow.db"}
    return server.model_copy(update=changes)


def with_coming_days(rows, seed, *, leak=False):
    """The rows with labels of the days ahead of six nights: of the weekday's share and the first feature, or of the plan."""
    random = np.random.default_rng(seed)
    values = random.random((rows.height, len(DAILY.days), len(NAMES)))
    log_odds = 4 * values[:, :, NAMES.index("weekday_session_rate")] - 2 + 2 * rows[FEATURES[0]].to_numpy()[:, None]
    happens = random.random(log_odds.shape) < 1 / (1 + np.exp(-log_odds))
    if leak:
        values[:, :, NAMES.index("workout_planned")] = happens
    days = pl.Series("days", values.reshape(rows.height, WIDTH).astype(np.float32), dtype=pl.Array(pl.Float32, WIDTH))
    labels = {name: happens[:, number].astype(float) for number, name in enumerate(DAILY.day_columns)}
    labelled = rows.with_columns(days, **{DAILY.label_column: happens.mean(axis=1), **labels})
    # A row is seven here, so fewer nights do.
    known = pl.int_range(pl.len()) < 6 * PEOPLE
    return labelled.with_columns(pl.when(known).then(pl.col(DAILY.label_column)))


def people(seed, *, leak=False):
    """Labelled rows in the form of the data set: the label follows the first feature, or is a feature itself."""
    random = np.random.default_rng(seed)
    rows = PEOPLE * NIGHTS
    values = {name: random.normal(size=rows) for name in FEATURES}
    label = (random.random(rows) < 1 / (1 + np.exp(-2 * values[FEATURES[0]]))).astype(int)
    if leak:
        values[FEATURES[1]] = label + random.normal(scale=0.01, size=rows)
    # The baselines read these columns: noise here, so a candidate that learns is the better one.
    night = np.repeat(np.arange(NIGHTS), PEOPLE)
    return pl.DataFrame(
        {
            "user_id": [f"u{number % PEOPLE}" for number in range(rows)],
            "batch_date": [FIRST + timedelta(days=int(number) * 7) for number in night],
            **values,
            LABEL: label.astype(float),
        }
    )


@pytest.fixture
def retrain(world):
    """Run the steps of the retrain DAG after the data set on the rows given; return the decision."""

    def run(rows, spec=SPEC):
        folder = dataset_folder(TRAINING, world)
        rows.write_parquet(folder / "dataset.parquet")
        rows.head(PEOPLE).write_parquet(folder / "newest.parquet")
        groups = [
            {"user_id": f"u{number}", "age_band": "30 to 44", "gender": "fm"[number % 2]} for number in range(PEOPLE)
        ]
        pl.DataFrame(groups).with_columns(fitness_level=pl.lit("unknown")).write_parquet(folder / "groups.parquet")
        write_json(folder / "dataset.json", {"data_version": {}})
        for step in (train, evaluate, promote):
            step.run(JobContext("retrain", TRAINING, world, get_logger("retrain"), Namespace()))
        return read_json(run_folder(spec.name, TRAINING, world) / "promotion.json")

    return run


def test_a_model_that_learned_is_promoted_and_the_same_again_is_not(world, retrain):
    first = retrain(people(1))
    assert first["promoted"], first["reason"]
    assert champions(world)[SPEC.name] == first["version"]
    again = retrain(people(1))
    assert not again["promoted"]
    assert "not better than the champion" in again["reason"]
    assert champions(world)[SPEC.name] == first["version"]
    folder = run_folder(SPEC.name, TRAINING, world)
    evaluation = read_json(folder / "evaluation.json")
    assert evaluation["difference_to"]["champion"][0] == 0, "the same rows and seed give the same model"
    card = (folder / "MODEL_CARD.md").read_text()
    assert "| gender f | 75 |" in card
    assert all(name in card for name in ("logistic_regression", "xgboost", "base_rate", "frequency_7d"))


def test_a_version_that_reads_a_feature_the_lake_no_longer_has_is_named_in_one_line(world, retrain):
    version = retrain(people(1))["version"]
    assert load_version(SPEC.name, version, world)["features"] == FEATURES
    stored = max((world.home / "mlflow" / "artifacts").rglob("model.joblib"), key=lambda file: file.stat().st_mtime)
    joblib.dump(joblib.load(stored) | {"features": (*FEATURES, "shoe_size")}, stored)
    with pytest.raises(PermanentError, match="reads shoe_size, which gold"):
        load_version(SPEC.name, version, world)


def test_what_could_not_be_trained_is_said_by_the_registry(world, retrain, job, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    retrain(people(1).rename({LABEL: ADHERENCE.label_column}).with_columns(sequence=pl.lit(None)))
    said = job(world, "models.lifecycle.registry").stdout
    assert "not trained: lstm, blend, stacked: TensorFlow is not installed (scripts/setup.sh --tensorflow" in " ".join(
        said.split()
    )
    reports = {one["name"]: one for one in json.loads(job(world, "models.lifecycle.registry", "--json").stdout)}
    assert "svr" in {row["score"] for row in reports[ADHERENCE.name]["metrics"]}
    assert reports[SPEC.name]["not_trained"] == ""


def test_shuffled_labels_are_refused(world, retrain):
    rows = people(2).with_columns(pl.col(LABEL).shuffle(seed=3))
    decision = retrain(rows)
    assert not decision["promoted"]
    assert "does not beat the baseline" in decision["reason"]
    assert SPEC.name not in champions(world)


@pytest.mark.parametrize("spec", [SPEC, DAILY])
def test_a_leaked_label_is_refused_as_too_good(world, retrain, spec):
    rows = people(3, leak=True)
    decision = retrain(rows if spec is SPEC else with_coming_days(rows.drop(LABEL), 3, leak=True), spec)
    assert not decision["promoted"]
    assert "too good to be true" in decision["reason"]
    assert spec.name not in champions(world)


def test_too_few_rows_are_a_reason_and_no_failure(world, retrain):
    decision = retrain(people(4).head(MIN_ROWS_PILOT - 1))
    assert decision == {
        "promoted": False,
        "reason": f"refused: not enough data to train: {MIN_ROWS_PILOT - 1} rows, at least {MIN_ROWS_PILOT} are needed",
        "version": None,
    }


def snapshots(night, seed):
    """Rows of gold.user_features for one night: random features, whatever else the table holds."""
    table = get_table("gold.user_features")
    random = np.random.default_rng(seed)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    fill = {"string": "UTC", "date": night, "timestamp": moment, "bigint": 20, "int": 0, "double": 0.5, "boolean": True}
    columns = {column.name: [fill.get(column.sql_type)] * PEOPLE for column in table.columns}
    for column in table.columns:
        if column.name in FEATURES and column.sql_type == "double":
            columns[column.name] = random.normal(size=PEOPLE)
    columns |= {"user_id": [f"u{number}" for number in range(PEOPLE)], "event_timestamp": [night_end(night)] * PEOPLE}
    return pl.DataFrame(columns).to_arrow().cast(arrow_schema(table))


def sessions(world, batch, days, plans=()):
    """Write what a night learned: a session of everybody on each of the local dates, and workouts planned for others."""
    done = [{"local_date": day, "events": 1, "workouts_completed": 1} for day in days]
    planned = [{"local_date": day, "workouts_planned": 1} for day in plans]
    rows = [{"batch_date": batch, "user_id": f"u{number}", **one} for number in range(PEOPLE) for one in done + planned]
    table = get_table("gold.user_day")
    whole = dict.fromkeys(table.column_names, 0)
    frame = pl.DataFrame([{**whole, **row} for row in rows]).to_arrow().cast(arrow_schema(table))
    replace_nights(frame, table.name, Interval(batch, batch), world)


def last_days(world, night):
    """Write the last thirty days of everybody: a session every other day, the last one today."""
    table = get_table("gold.user_sequence")
    lists = {
        name: [[None] * 30] * PEOPLE
        for name, kind in pl.DataFrame(arrow_schema(table).empty_table()).schema.items()
        if kind == pl.List
    }
    lists |= {
        "sessions": [[0.0, 1.0] * 15] * PEOPLE,
        "planned": [[0.0] * 30] * PEOPLE,
        "observed": [[1.0] * 30] * PEOPLE,
    }
    keys = {
        "batch_date": [night] * PEOPLE,
        "user_id": [f"u{number}" for number in range(PEOPLE)],
        "as_of_date": [night] * PEOPLE,
    }
    rows = pl.DataFrame({**keys, **lists}).to_arrow().select(table.column_names).cast(arrow_schema(table))
    replace_nights(rows, table.name, Interval(night, night), world)


def test_what_comes_later_moves_labels_and_no_feature(world):
    night = FIRST + timedelta(days=40)
    known = Interval(FIRST, night + timedelta(days=9))
    for day, seed in ((night, 11), (night + timedelta(days=1), 12)):
        replace_nights(snapshots(day, seed), "gold.user_features", Interval(day, day), world)
    last_days(world, night)
    ahead = [night + timedelta(days=number) for number in range(8)]
    sessions(world, night, [night], plans=ahead[2:5])
    sessions(world, night + timedelta(days=1), [ahead[1]])
    before = dataset.build(known, world)
    stored = pl.from_arrow(snapshots(night, 11)).select("user_id", *FEATURES)
    assert before.select("user_id", *FEATURES).sort("user_id").equals(stored.sort("user_id"))
    assert before.select("label_adherence", LABEL).unique().row(0) == (0.0, 0.0)
    assert set(before.select(pl.col("^label_.*$").count()).row(0)) == {0, PEOPLE}, "four weeks are not over yet"

    later = known.end
    replace_nights(snapshots(later, 13), "gold.user_features", Interval(later, later), world)
    sessions(world, later, ahead[2:7], plans=ahead[7:])
    after = dataset.build(known, world)
    assert after.select("user_id", *FEATURES, "days").equals(before.select("user_id", *FEATURES, "days"))
    assert set(after["label_adherence"]) == {1.0}
    planned = [of_day(after, number)["workout_planned"].unique().item() for number in range(1, 8)]
    assert planned == [0, 1, 1, 1, 0, 0, 0], "as known on the night"
    of_days = [before.select(DAILY.day_columns).unique().row(0), after.select(DAILY.day_columns).unique().row(0)]
    assert of_days == [(1, *[None] * 6), (*[1] * 6, None)], "the seventh day was planned, and shows no sign of use"


def test_on_sundays_a_challenger_is_told_beside_the_champion_on_the_same_people(world):
    sunday = FIRST + timedelta(days=90)
    made = sunday - timedelta(days=9)
    for day, seed in ((made, 11), (sunday, 12)):
        replace_nights(snapshots(day, seed), "gold.user_features", Interval(day, day), world)
    sessions(world, made, [made])
    sessions(world, sunday, [made + timedelta(days=number) for number in range(1, 8)])
    said = {"gold.predictions": ("1", "probability", 0.9), "gold.shadow_predictions": ("2", "score", 0.4)}
    for name, (version, column, value) in said.items():
        table = get_table(name)
        days = json.dumps([{"days_ahead": ahead, "probability": value} for ahead in range(1, 8)])
        row = dict.fromkeys(table.column_names) | {"batch_date": made, "model_version": version, column: value}
        of_models = ({"model": ADHERENCE.name}, {"model": DAILY.name, "days": days})
        rows = [row | own | {"user_id": f"u{number}"} for number in range(PEOPLE) for own in of_models]
        frame = pl.DataFrame(rows, infer_schema_length=None).to_arrow().cast(arrow_schema(table))
        replace_nights(frame, name, Interval(made, made), world)
    bundle = {"figures": {"accuracy": [0.8, 0.75, 0.85]}}
    models = (ADHERENCE.name, DAILY.name)
    both = Versions(dict.fromkeys(models, "1"), dict.fromkeys(models, "2"))
    versions, bundles = {sunday: both, sunday + timedelta(days=1): both}, {(name, "1"): bundle for name in models}
    found = monitor.health(sunday, both, bundles, world)
    for model in models:
        told = {
            (role, figure): rest
            for role, figure, *rest in found.filter(pl.col("model") == model)
            .select("role", "figure", "value", "baseline", "alarm")
            .rows()
        }
        assert told["champion", "accuracy"] == [1.0, 0.8, False]
        assert told["challenger", "accuracy"] == [0.0, 1.0, False]
        assert told["challenger", "newest_accuracy"] == [0.0, 1.0, False]
    assert monitor.health(sunday + timedelta(days=1), both, bundles, world).is_empty()

    def stored():
        return scan_table(monitor.TABLE, world).sort("batch_date", "model", "role", "figure").collect()

    monitor.write_health(Interval(sunday, max(versions)), versions, bundles, world)
    of_range = stored()
    assert of_range.height == found.height
    for day in reversed(versions):
        monitor.write_health(Interval(day, day), {day: both}, bundles, world)
    assert stored().equals(of_range)


def predictions(world, night, spec=SPEC):
    own = scan_table("gold.predictions", world, Interval(night, night)).filter(pl.col("model") == spec.name)
    return own.sort("user_id").collect()


def test_scoring_again_is_equal_and_a_rollback_brings_the_old_scores_back(world, retrain, job):
    night = FIRST + timedelta(days=90)
    one_night = ["--start", str(night)]
    replace_nights(snapshots(night, 5), "gold.user_features", Interval(night, night), world)
    open_nights(Interval(night, night), world, datetime(2026, 6, 1, tzinfo=UTC))
    last_days(world, night)
    sessions(world, night, [], plans=[night + timedelta(days=2)])
    first = retrain(
        with_coming_days(people(6), 7)
        .with_columns((pl.Series(np.random.default_rng(1).random(PEOPLE * NIGHTS)) < 0.5).cast(pl.Float64).alias(LABEL))
        .with_columns(pl.when(pl.col(FEATURES[0]) > 0).then(1.0).otherwise(pl.col(LABEL)).alias(LABEL))
    )
    assert first["promoted"], first["reason"]
    job(world, "models.lifecycle.score", *one_night)
    scored = predictions(world, night)
    assert scored.height == PEOPLE
    assert scored["probability"].is_between(0, 1).all()
    told = scan_table("gold.user_predictions", world, Interval(night, night)).sort("user_id").collect()
    assert told[f"{SPEC.name}_probability"].equals(scored["probability"])
    assert [json.loads(one) for one in told["model_versions"].unique()] == [champions(world)]
    assert told["churn_probability"].null_count() == PEOPLE, "no such model is in force"
    of_days = predictions(world, night, DAILY)
    assert told["daily_session_probability"].equals(of_days["probability"])
    for chances, skips, first_day in told.select(*DAILY_OUTPUTS, "daily_session_probability").iter_rows():
        chance = {one["local_date"]: one["probability"] for one in json.loads(chances)}
        assert list(chance) == [str(night + timedelta(days=number)) for number in range(1, 8)]
        assert chance[str(night + timedelta(days=1))] == first_day
        assert len(set(chance.values())) > 2
        skipped = json.loads(skips)
        # Every other day is one of training, so of a weekday half were; of five, three or two.
        expected = [(2, "planned"), *((ahead, "usual") for ahead in (3, 4, 5, 7))]
        assert [(one["days_ahead"], one["basis"]) for one in skipped] == expected
        for one in skipped:
            assert one["probability"] == pytest.approx(1 - chance[one["local_date"]])
    drifted, _ = newest_health(world)[SPEC.name]
    assert newest_health(world)[DAILY.name][0]["model_version"] == "1"
    # Whoever was drawn from one distribution in the training is a copy of one row here.
    assert (drifted["figure"], drifted["alarm"], drifted["model_version"]) == ("drift", True, first["version"])
    job(world, "models.lifecycle.score", *one_night)
    assert predictions(world, night).equals(scored)
    assert predictions(world, night, DAILY).equals(of_days)

    second = retrain(people(6))
    job(world, "models.lifecycle.registry", "rollback", SPEC.name, second["version"])
    job(world, "models.lifecycle.score", *one_night)
    assert predictions(world, night).equals(scored), "a night keeps the version that scored it"
    job(world, "models.lifecycle.score", *one_night, "--model-version", "champion")
    of_second = predictions(world, night)
    assert of_second["model_version"].unique().to_list() == [second["version"]]
    assert stored_table("gold.shadow_predictions", world) is None, "no challenger has scored yet"
    job(world, "models.lifecycle.registry", "rollback", SPEC.name, first["version"])
    job(world, "models.lifecycle.score", *one_night, "--model-version", "champion")
    assert predictions(world, night).equals(scored)
    shadow = scan_table("gold.shadow_predictions", world).filter(pl.col("model") == SPEC.name).sort("user_id").collect()
    assert shadow["model_version"].unique().to_list() == [second["version"]], (
        "newer than the champion, so it is watched"
    )
    assert shadow["score"].equals(of_second["probability"])
    assert pinned_challengers(Interval(night, night), world)[night][SPEC.name] == second["version"]
    [report] = [
        one for one in json.loads(job(world, "models.lifecycle.registry", "--json").stdout) if one["name"] == SPEC.name
    ]
    assert report["champion"] == first["version"]
    assert "rolled back" in report["decision"]
