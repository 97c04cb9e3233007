"""A world with an embedded Postgres and a lake, and decisions to publish in it."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from habitlake.clock import Interval, night_end
from habitlake.lake import arrow_schema, replace_nights
from habitlake.runtime import postgres
from habitlake.settings import Settings
from habitlake.tables import get_table
from interventions.queue.store import connect, migrated
from interventions.schedule import send_window

NIGHT = date(2026, 1, 4)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Return the settings of a world whose Postgres runs."""
    settings = Settings(home=tmp_path_factory.mktemp("w"), _env_file=None)
    postgres.start(settings)
    yield settings
    postgres.stop(settings)


@pytest.fixture
def world(server, tmp_path, monkeypatch):
    """Return settings with a lake and an outbox of their own, an empty queue and no night in the ledger."""
    settings = server.model_copy(update={"lake": str(tmp_path / "lake"), "outbox": str(tmp_path / "outbox")})
    with postgres.connect("habitlake", settings) as connection:
        connection.execute("DROP SCHEMA IF EXISTS queue, ops CASCADE")
    migrated.cache_clear()
    return settings


@pytest.fixture
def connection(world):
    """Return a connection to the world's queue."""
    with connect(world) as connected:
        connected.autocommit = True
        yield connected


def decision(
    user: str, night: date = NIGHT, horizon: int = 0, *, send: bool = True, message: str = "Hello there."
) -> dict:
    """Return one row of gold.decisions for a person in UTC."""
    day = night + timedelta(days=1 + horizon)
    send_at, expires_at = send_window(day, 9.0, UTC)
    return {
        "batch_date": night, "decision_id": f"{night}-{user}-{day}", "user_id": user, "local_date": day, "time_zone": "UTC",
        "horizon": horizon, "decided_at": night_end(night), "available": True, "unavailable_reasons": [],
        "triggers": ["high_stress"], "intervention": "slow_breathing", "action": "stress_relief", "channel": "push",
        "send": send, "probability": 0.5,
        "seed": 1, "candidates": "[]", "features": "{}", "message": message,
        "payload": '{"do":"suggest_breathing_exercise","text":"a \\"quoted\\", comma\\nline"}', "send_at": send_at,
        "expires_at": expires_at, "policy_version": "test+0", "model": None, "model_version": None,
    }  # fmt: skip


@pytest.fixture
def store(world):
    """Return a function that writes a night of decisions to the lake."""

    def write(night: date, rows: list[dict]) -> None:
        schema = arrow_schema(get_table("gold.decisions"))
        frame = pl.DataFrame(rows, schema=pl.DataFrame(schema.empty_table()).schema, orient="row")
        replace_nights(frame.to_arrow().cast(schema), "gold.decisions", Interval(night, night), world)

    return write


@pytest.fixture
def row():
    """Return the builder of one row of gold.decisions."""
    return decision


@pytest.fixture
def noon():
    """Return a function: noon UTC of the first decided day, some days later."""
    return lambda days=0: datetime(2026, 1, 5, 12, tzinfo=UTC) + timedelta(days=days)
