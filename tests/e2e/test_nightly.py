"""The real nightly DAG over a small simulated world: two runs of the command, and what people and scripts see."""

import json

import pytest

from habitlake.tables import MODELS

# The first test also waits for the world: its history, training and the first night.
pytestmark = pytest.mark.timeout(1800)


def test_the_first_run_ends_with_tonights_queue_and_every_task_green(world):
    for part in ("Landing", "Gates", "adherence", "Tonight's queue", "make up"):
        assert part in world.first_output
    states = world.task_states()
    assert {dag for dag, _, _, _ in states} == {"nightly", "retrain"}
    assert len(states) == 14 + 4 + 14
    assert {state for _, _, _, state in states} == {"success"}


def test_status_audit_and_sql_answer_scripts(world):
    status = world.json("status")
    assert status["stale"] == status["pending"] == []
    assert {gate["gate"] for gate in status["gates"]} == {"silver", "gold", "queue"}
    assert all(gate["failed"] == 0 for gate in status["gates"])
    assert status["rows"]["gold.user_features"]["night"] > 100
    audit = world.json("audit")
    assert len(audit) >= 30
    assert all(batch["identity_holds"] for batch in audit)
    refused = {reason for batch in audit for reason in batch["reasons"]}
    assert len(refused) >= 8
    stored = world("sql", "--json", "SELECT DISTINCT reason FROM silver.rejected").splitlines()
    assert {json.loads(line)["reason"] for line in stored} == refused


def test_the_report_of_the_night_was_written_and_one_of_a_person_can_be(world):
    night = world.json("status")["last_night"]
    assert (world.settings.home / "report" / f"night-{night}.html").exists()
    panels = world.json("report")["panels"]
    assert {"glance", "pipeline", "gates", "contexts", "model", "decisions"} <= {
        name for name, state in panels.items() if state == "filled"
    }
    user = json.loads(world("sql", "--json", "SELECT min(user_id) AS id FROM gold.user_features"))["id"]
    panels |= world.json("report", "--user", user)["panels"]
    # A column that a table or mart does not have, or a template that does not fit it, ends in these words.
    assert [state for state in panels.values() if "could not be" in state] == []


def test_a_model_was_judged_beside_its_baselines(world):
    models = {model["name"]: model for model in world.json("models")}
    assert set(models) == set(MODELS)
    assert all(model["decision"].startswith(("promoted", "refused")) for model in models.values())
    report = models["adherence"]
    assert {row["score"] for row in report["metrics"]} >= {
        "logistic_regression",
        "xgboost",
        "base_rate",
        "frequency_7d",
    }
    assert all("[" in row["auc"] for row in report["metrics"])


def test_the_queue_is_claimed_once_and_every_decision_can_be_explained(world):
    first, second = (world.json("queue", "claim", "--worker", name, "--limit", "5") for name in ("one", "two"))
    assert not {item["decision_id"] for item in first} & {item["decision_id"] for item in second}
    assert first[0]["user_id"] in world("explain", first[0]["decision_id"])


def test_online_features_are_those_of_the_night(world):
    stored = json.loads(
        world(
            "sql",
            "--json",
            "SELECT user_id, sessions_28d, CAST(event_timestamp AS VARCHAR) AS stamp FROM gold.user_features"
            " WHERE batch_date = (SELECT max(batch_date) FROM gold.user_features) AND sessions_28d > 0"
            " ORDER BY user_id LIMIT 1",
        )
    )
    as_of = stored["stamp"][:10] + "T12:00:00"
    record = world.json("features", "--user", stored["user_id"], "--as-of", as_of)[0]
    served = {feature["name"]: feature["value"] for feature in record["features"]}
    assert served["sessions_28d"] == stored["sessions_28d"]
    (app,) = world.json("features", "--user", stored["user_id"], "--as-of", as_of, "--service", "user_analytics_v1")
    told = {feature["name"]: feature["value"] for feature in app["features"]}
    assert told["habit_status"] in ("forming", "automatic")
    assert isinstance(json.loads(told["risk_factors"]), list)
    (record,) = world.json("features", "--user", stored["user_id"], "--as-of", as_of, "--service", "user_today_v1")
    today = {feature["name"]: feature["value"] for feature in record["features"]}
    assert len(json.loads(today["user_windows__windows"])) == 9
    assert today["user_windows__input_quality"] in ("complete", "partial", "thin", "population")
    assert {f"user_analytics__{name}" for name in told} | {f"user_features__{name}" for name in served} <= set(today)
    assert today["user_features__sessions_28d"] == stored["sessions_28d"]
    assert 0 < record["age_s"] < 86_400
    assert set(json.loads(today["user_predictions__model_versions"] or "{}")) <= set(MODELS)
    stranger = world.json("features", "--user", "nobody", "--as-of", as_of)[0]
    assert {feature["missing"] for feature in stranger["features"]} == {"unknown_user"}


def test_the_next_night_follows_and_rerunning_it_changes_nothing(world):
    before = world.json("status")["last_night"]
    world("nightly")
    status = world.json("status")
    assert status["last_night"] > before
    hashes = world.json("tables", "--hash")
    world("nightly", "--date", status["last_night"])
    again = world.json("tables", "--hash")
    assert again == hashes
    assert world.json("status")["stale"] == []


def test_late_files_make_nights_stale_and_repair_mends_them(world):
    nights = [row["batch_date"] for row in world.json("status")["nights"]]
    late = world.settings.home / "landing" / "events" / f"batch_date={nights[1]}" / "late.jsonl"
    late.write_text('{"broken": \n')
    stale = world.json("status")["stale"]
    assert [night["batch_date"] for night in stale] == [nights[1], nights[0]]
    world("repair")
    assert world.json("status")["stale"] == []
    rejected = world("sql", "--json", "SELECT count(*) AS n FROM silver.rejected WHERE _source_file LIKE '%late.jsonl'")
    assert json.loads(rejected)["n"] == 1


def test_bad_input_is_one_clear_line_and_no_zero(world):
    assert "YYYY-MM-DD" in _error(world, "nightly", "--date", "yesterday")
    assert "no_such_table" in _error(world, "sql", "SELECT * FROM no_such_table")
    assert "HABITLAKE_HOME" in _error(world, "nightly", "--data", "landing")


def _error(world, *arguments):
    result = world.run(*arguments, timeout=120)
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    return result.stderr + result.stdout
