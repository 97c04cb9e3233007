"""What Feast serves: the user entity, a wide view on each snapshot of people, a service per model and for the app."""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.data_format import DeltaFormat
from feast.types import FeastType, Float64, Int64, String

from habitlake.lake import table_uri
from habitlake.settings import Settings
from habitlake.tables import FEATURES, MODELS, Column, Feature, get_table

FEAST_TYPES: dict[str, FeastType] = {"double": Float64, "bigint": Int64, "string": String}
# How old a person's newest snapshot may be before the reader calls it stale; Feast does not apply it online.
TIME_TO_LIVE = timedelta(days=3)
ANALYTICS_SERVICE = "user_analytics_v1"
WINDOWS_SERVICE = "workout_windows_v1"
PREDICTIONS_SERVICE = "predictions_v1"
TODAY_SERVICE = "user_today_v1"
# What each view reads; it is named after its table.
SERVED = ("gold.user_features", "gold.user_analytics", "gold.user_windows", "gold.user_predictions")
NOT_SERVED = frozenset({"batch_date", "user_id", "event_timestamp", "created_timestamp"})


def view_name(table: str) -> str:
    """Return the name of the view on a table."""
    return table.removeprefix("gold.")


def served_columns(name: str) -> list[Column]:
    """Return the columns of the view on a table: the features, or all that tell of the person."""
    if name == "gold.user_features":
        return list(FEATURES)
    return [
        column for column in get_table(name).columns if column.name not in NOT_SERVED and column.sql_type in FEAST_TYPES
    ]


def _tags(column: Column) -> dict[str, str]:
    return {"unit": column.unit, "window": column.window} if isinstance(column, Feature) else {}


def _view(name: str, user: Entity, settings: Settings) -> FeatureView:
    table = get_table(name)
    source = FileSource(
        name=name.replace(".", "_"),
        path=table_uri(table.name, settings),
        file_format=DeltaFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
        s3_endpoint_override=settings.s3_endpoint_url or "",
        description=table.grain,
        owner=table.owner,
    )
    return FeatureView(
        name=view_name(name),
        entities=[user],
        ttl=TIME_TO_LIVE,
        schema=[
            Field(
                name=column.name,
                dtype=FEAST_TYPES[column.sql_type],
                description=column.description,
                tags=_tags(column),
            )
            for column in served_columns(name)
        ],
        source=source,
        online=True,
        description=table.grain,
        owner=table.owner,
        tags={"layer": "gold"},
    )


def definitions(settings: Settings) -> list[Entity | FeatureView | FeatureService]:
    """Return everything to apply, derived from the table registry."""
    user = Entity(
        name="user", join_keys=["user_id"], value_type=ValueType.STRING, description="A person, as the app names them"
    )
    features, analytics, windows, predictions = (_view(name, user, settings) for name in SERVED)
    return [
        user,
        features,
        analytics,
        windows,
        predictions,
        *(
            FeatureService(
                name=model.feature_service,
                features=[features[list(model.features)]],
                description=f"What the model reads, in training and in scoring, that predicts {model.predicts}",
                owner=get_table(SERVED[0]).owner,
            )
            for model in MODELS.values()
        ),
        FeatureService(
            name=ANALYTICS_SERVICE,
            features=[analytics],
            description="The record of a person that the app reads (UserAnalytics)",
            owner=get_table(SERVED[1]).owner,
        ),
        FeatureService(
            name=WINDOWS_SERVICE,
            features=[windows],
            description="When a workout is likely to succeed, as the app reads it",
            owner=get_table(SERVED[2]).owner,
        ),
        FeatureService(
            name=PREDICTIONS_SERVICE,
            features=[predictions],
            description="What the models in force say of a person, as the app reads it",
            owner=get_table(SERVED[3]).owner,
        ),
        FeatureService(
            name=TODAY_SERVICE,
            features=[predictions, windows, analytics, features[list(MODELS["adherence"].features)]],
            description="Risk, best windows, record and features of a person in one call; names are view__feature",
            owner=get_table(SERVED[3]).owner,
        ),
    ]
