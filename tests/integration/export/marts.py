"""What the project says of its marts."""

from collections.abc import Callable

import yaml

from habitlake.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "dbt" / "models" / "marts"
MARTS = tuple(sorted(path.stem for path in FOLDER.rglob("*.sql")))


def example_queries() -> dict[str, str]:
    """Return each mart's example query."""
    models = [model for path in FOLDER.rglob("*__models.yml") for model in yaml.safe_load(path.read_text())["models"]]
    return {model["name"]: model["config"]["meta"]["example_query"] for model in models}


def contents_of(query: Callable[..., list[tuple]]) -> dict[str, list[tuple]]:
    """Return every mart's rows, in order."""
    return {mart: sorted(query(f"SELECT * FROM marts.{mart}"), key=repr) for mart in MARTS}
