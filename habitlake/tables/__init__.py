"""The one registry of the lake's tables; maintenance, erasure, the data dictionary and the tests read it."""

from habitlake.errors import PermanentError
from habitlake.tables.base import AUDIT_COLUMNS, Column, Table
from habitlake.tables.decisions import DECISION_TABLES
from habitlake.tables.events import EVENT_TABLES
from habitlake.tables.features import FEATURES, Feature
from habitlake.tables.gold import FACT_TABLES
from habitlake.tables.models import CHANCES, DAY_FEATURES, FACTORS, MODELS, Model
from habitlake.tables.ops import OPS_TABLES
from habitlake.tables.people import PEOPLE_TABLES
from habitlake.tables.predictions import PREDICTION_TABLES
from habitlake.tables.weather import WEATHER_TABLES

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        *EVENT_TABLES,
        *WEATHER_TABLES,
        *FACT_TABLES,
        *PEOPLE_TABLES,
        *PREDICTION_TABLES,
        *DECISION_TABLES,
        *OPS_TABLES,
    )
}


def get_table(name: str) -> Table:
    """Return the table of that name.

    Raises
    ------
    PermanentError
        If the registry has no such table.
    """
    try:
        return TABLES[name]
    except KeyError as error:
        msg = f"no table {name!r} in the registry; tables: {', '.join(TABLES)}"
        raise PermanentError(msg) from error


__all__ = [
    "AUDIT_COLUMNS",
    "CHANCES",
    "DAY_FEATURES",
    "FACTORS",
    "FEATURES",
    "MODELS",
    "TABLES",
    "Column",
    "Feature",
    "Model",
    "Table",
    "get_table",
]
