"""Read a person's features online, with their age, and say why a value is missing.

``python -m feature_repo.reader --user ID [--service user_analytics_v1] [--as-of INSTANT] [--json]``
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from feature_repo.store import feature_store
from habitlake.cli.app import Json, run_app
from habitlake.cli.output import console, print_json, print_table
from habitlake.settings import get_settings

if TYPE_CHECKING:
    from feast import FeatureStore

UNKNOWN_USER = "unknown_user"
STALE = "stale"
NOT_OBSERVED = "not_observed"


@dataclass(frozen=True, slots=True)
class OnlineFeature:
    """One feature of one person: its value, or why there is none (unknown_user, stale, not_observed)."""

    name: str
    value: float | int | str | None
    missing: str | None


@dataclass(frozen=True, slots=True)
class OnlineRecord:
    """What the online store knows of one person; ``age_s`` is seconds from the oldest snapshot read to ``as_of``."""

    user_id: str
    event_timestamp: datetime | None
    age_s: float | None
    features: tuple[OnlineFeature, ...]


def read_features(
    store: "FeatureStore", user_ids: Sequence[str], *, service: str, as_of: datetime, max_age: timedelta
) -> list[OnlineRecord]:
    """Return one record per person, in order.

    Feast serves a value of any age; here a snapshot older than ``max_age`` counts as missing. Where a service reads
    several views, a feature is named view__feature, and each is as old as its own view's snapshot.
    """
    definition = store.get_feature_service(service)
    response = store.get_online_features(
        features=definition,
        entity_rows=[{"user_id": user} for user in user_ids],
        full_feature_names=len(definition.feature_view_projections) > 1,
    )
    proto = response.proto
    values = response.to_dict()
    columns = [
        (name, values[name], proto.results[index].event_timestamps)
        for index, name in enumerate(proto.metadata.feature_names.val)
        if name != "user_id"
    ]
    return [_record(user, row, columns, as_of, max_age) for row, user in enumerate(user_ids)]


def _record(
    user_id: str, row: int, columns: Sequence[tuple[str, Any, Any]], as_of: datetime, max_age: timedelta
) -> OnlineRecord:
    """Return one person's row of columns of (name, values, moments of their snapshots)."""
    moments = [stamps[row].seconds for _, _, stamps in columns]
    oldest = min((seconds for seconds in moments if seconds), default=None)
    features: list[OnlineFeature] = []
    why: str | None
    for (name, values, _), seconds in zip(columns, moments, strict=True):
        if oldest is None:
            why = UNKNOWN_USER
        elif seconds and as_of - datetime.fromtimestamp(seconds, UTC) > max_age:
            why = STALE
        else:
            # Another view may know the person where this one has no snapshot.
            why = NOT_OBSERVED if not seconds or values[row] is None else None
        features.append(OnlineFeature(name, None if why else values[row], why))
    stamp = None if oldest is None else datetime.fromtimestamp(oldest, UTC)
    return OnlineRecord(user_id, stamp, None if stamp is None else (as_of - stamp).total_seconds(), tuple(features))


def main(
    user: Annotated[list[str], typer.Option(help="person to read; may be given several times")],
    as_of: Annotated[datetime | None, typer.Option(help="instant (UTC) at which age is judged; default now")] = None,
    service: Annotated[
        str,
        typer.Option(
            help="MODEL_v1 (what a model reads), user_analytics_v1, workout_windows_v1, predictions_v1 (what the app"
            " reads) or user_today_v1 (all of it)"
        ),
    ] = "adherence_v1",
    json_output: Json = False,
) -> None:
    """Read online features with age and reasons."""
    from feature_repo.definitions import TIME_TO_LIVE

    moment = as_of.replace(tzinfo=UTC) if as_of else datetime.now(UTC)
    records = read_features(feature_store(get_settings()), user, service=service, as_of=moment, max_age=TIME_TO_LIVE)
    if json_output:
        print_json([asdict(record) for record in records])
        return
    for record in records:
        age = (
            "not in the online store"
            if record.age_s is None
            else f"snapshot of {record.event_timestamp}, {record.age_s / 3600:.1f} h old"
        )
        console.print(f"[bold]{record.user_id}[/bold]: {age}")
        rows: list[list[Any]] = [[feature.name, feature.value, feature.missing] for feature in record.features]
        print_table("", ("feature", "value", "missing because"), rows)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    run_app(app)
