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
    """What the online store knows of one person; ``age_s`` is seconds from the snapshot to ``as_of``."""

    user_id: str
    event_timestamp: datetime | None
    age_s: float | None
    features: tuple[OnlineFeature, ...]


def read_features(
    store: "FeatureStore", user_ids: Sequence[str], *, service: str, as_of: datetime, max_age: timedelta
) -> list[OnlineRecord]:
    """Return one record per person, in order.

    Feast serves a value of any age; here a snapshot older than ``max_age`` counts as missing.
    """
    response = store.get_online_features(
        features=store.get_feature_service(service), entity_rows=[{"user_id": user} for user in user_ids]
    )
    proto = response.proto
    names = list(proto.metadata.feature_names.val)
    values = response.to_dict()
    records = []
    for row, user in enumerate(user_ids):
        stamps = [
            proto.results[index].event_timestamps[row].seconds for index, name in enumerate(names) if name != "user_id"
        ]
        seconds = max(stamps, default=0)
        stamp = datetime.fromtimestamp(seconds, UTC) if seconds else None
        age = (as_of - stamp).total_seconds() if stamp else None
        why = UNKNOWN_USER if age is None else STALE if age > max_age.total_seconds() else None
        features = tuple(
            OnlineFeature(
                name,
                None if why else values[name][row],
                why or (NOT_OBSERVED if values[name][row] is None else None),
            )
            for name in names
            if name != "user_id"
        )
        records.append(OnlineRecord(user, stamp, age, features))
    return records


def main(
    user: Annotated[list[str], typer.Option(help="person to read; may be given several times")],
    as_of: Annotated[datetime | None, typer.Option(help="instant (UTC) at which age is judged; default now")] = None,
    service: Annotated[
        str,
        typer.Option(
            help="MODEL_v1 (what a model reads), user_analytics_v1, workout_windows_v1 or predictions_v1 (what the app reads)"
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
