"""What the project says of its marts."""

import re
from collections.abc import Callable

import yaml

from habitlake.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "dbt" / "models" / "marts"
TUTORIALS = PROJECT_ROOT / "docs" / "tutorials"
MARTS = tuple(sorted(path.stem for path in FOLDER.rglob("*.sql")))


def example_queries() -> dict[str, str]:
    """Return each mart's example query."""
    models = [model for path in FOLDER.rglob("*__models.yml") for model in yaml.safe_load(path.read_text())["models"]]
    return {model["name"]: model["config"]["meta"]["example_query"] for model in models}


def tutorial_queries() -> list[tuple[bool, str, list[str]]]:
    """Return each query of the tutorials: whether it reads the lake, its SQL, the columns of the answer below it."""
    pages = "\n".join(path.read_text() for path in sorted(TUTORIALS.glob("*.md")))
    found = re.findall(r"```sql( lake)?\n(.*?)```\n\n\| (.*?) \|\n", pages, re.DOTALL)
    return [(bool(lake), statement, answer.split(" | ")) for lake, statement, answer in found]


def contents_of(query: Callable[..., list[tuple]]) -> dict[str, list[tuple]]:
    """Return every mart's rows, in order."""
    return {mart: sorted(query(f"SELECT * FROM marts.{mart}"), key=repr) for mart in MARTS}
