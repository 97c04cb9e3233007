"""dbt's sources and staging say what the registry says."""

import re

import pytest
import yaml

from habitlake.settings import PROJECT_ROOT
from spark_jobs.export.sources import PATH, sources_yaml
from spark_jobs.export.tables import EXPORTED, exported_columns, postgres_name

STAGING = PROJECT_ROOT / "dbt" / "models" / "staging" / "lake"
MODELS = PROJECT_ROOT / "dbt" / "models"


def test_sources_are_those_of_the_registry():
    assert PATH.read_text() == sources_yaml(), "run `python -m spark_jobs.export.sources`"


def test_every_exported_table_is_a_source():
    lake = yaml.safe_load(PATH.read_text())["sources"][0]
    assert [table["name"] for table in lake["tables"]] == [postgres_name(name) for name in EXPORTED]
    assert lake["config"]["freshness"]["error_after"]["count"] > lake["config"]["freshness"]["warn_after"]["count"]
    assert all("loaded_at_query" in table["config"] for table in lake["tables"])


@pytest.mark.parametrize("name", EXPORTED)
def test_staging_reads_columns_that_are_exported(name):
    models = [path.read_text() for path in STAGING.glob("stg_lake__*.sql")]
    (text,) = [text for text in models if f"source('lake', '{postgres_name(name)}')" in text]
    # Postgres cannot reach an index through a view that holds a WITH.
    assert text.startswith("select\n")
    body = text.split("\nfrom ")[0]
    used = {
        re.sub(r"^to_jsonb\((\w+)\)|^(\w+).*", r"\1\2", line.strip().rstrip(",").split(" as ")[0])
        for line in body.splitlines()
        if line.strip() and line.strip() != "select"
    }
    assert used <= {column.name for column in exported_columns(name)}


def test_marts_read_no_source_and_marts_are_read_by_no_staging():
    for path in MODELS.rglob("*.sql"):
        text = path.read_text()
        layer = path.relative_to(MODELS).parts[0]
        read_sources = set(re.findall(r"source\('(\w+)'", text))
        assert read_sources <= ({"lake", "ops", "exports"} if layer == "staging" else {"changes"}), path.name
        if layer == "staging":
            assert "ref(" not in text
        if layer == "intermediate":
            assert "ref('mart_" not in text


def mart_files(kind: str) -> list[dict]:
    """Return what the folders of marts say of a kind: models, unit_tests or exposures."""
    found = []
    for folder in sorted(path for path in (MODELS / "marts").iterdir() if path.is_dir()):
        found += yaml.safe_load((folder / f"_{folder.name}__{kind}.yml").read_text())[kind]
    return found


def marts() -> set[str]:
    return {path.stem for path in (MODELS / "marts").rglob("*.sql")}


def test_every_mart_has_an_enforced_contract_key_and_descriptions():
    models = mart_files("models")
    assert {model["name"] for model in models} == marts()
    for model in models:
        assert model["description"].startswith("One row per"), model["name"]
        # A view has no constraints in the database: a test over the whole history holds its key.
        if is_view(model["name"]):
            assert any("unique_together" in test for test in model["data_tests"]), model["name"]
        else:
            assert any(constraint["type"] == "primary_key" for constraint in model["constraints"]), model["name"]
        assert all(column["description"] and column["data_type"] for column in model["columns"]), model["name"]


def mart_text(name: str) -> str:
    (path,) = (MODELS / "marts").rglob(f"{name}.sql")
    return path.read_text()


def is_view(name: str) -> bool:
    return "materialized='view'" in mart_text(name)


def test_every_mart_has_an_example_query_of_itself():
    for model in mart_files("models"):
        assert f"marts.{model['name']}" in model["config"]["meta"]["example_query"], model["name"]


def test_marts_that_leave_the_team_withhold_small_cells():
    leaving = [model for model in mart_files("models") if "leaves_the_team" in mart_text(model["name"])]
    assert leaving
    for model in leaving:
        assert "suppress_small(" in mart_text(model["name"]), model["name"]
        checked = [column["name"] for column in model["columns"] if "no_small_cells" in column.get("data_tests", [])]
        assert checked, model["name"]
        assert "user_id" not in {column["name"] for column in model["columns"]}, model["name"]


def test_every_mart_made_of_others_has_a_unit_test_and_every_mart_an_exposure():
    made_of_others = {name for name in marts() if "ref(" in mart_text(name)}
    assert {test["model"] for test in mart_files("unit_tests")} == made_of_others
    assert {reference for exposure in mart_files("exposures") for reference in exposure["depends_on"]} == {
        f"ref('{mart}')" for mart in marts()
    }
