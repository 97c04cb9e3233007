"""What Feast serves: the user entity, one wide view on gold.user_features, one service per model."""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.data_format import DeltaFormat
from feast.types import FeastType, Float64, Int64, String

from habitlake.lake import table_uri
from habitlake.settings import Settings
from habitlake.tables import ADHERENCE_V1, FEATURES, get_table

FEAST_TYPES: dict[str, FeastType] = {"double": Float64, "bigint": Int64, "string": String}
# How old a person's newest snapshot may be before the reader calls it stale; Feast does not apply it online.
TIME_TO_LIVE = timedelta(days=3)
ADHERENCE_SERVICE = "adherence_v1"
VIEW = "user_features"


def definitions(settings: Settings) -> list[Entity | FeatureView | FeatureService]:
    """Return everything to apply, derived from the table registry."""
    table = get_table("gold.user_features")
    user = Entity(
        name="user", join_keys=["user_id"], value_type=ValueType.STRING, description="A person, as the app names them"
    )
    source = FileSource(
        name="gold_user_features",
        path=table_uri(table.name, settings),
        file_format=DeltaFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
        s3_endpoint_override=settings.s3_endpoint_url or "",
        description=table.grain,
        owner=table.owner,
    )
    view = FeatureView(
        name=VIEW,
        entities=[user],
        ttl=TIME_TO_LIVE,
        schema=[
            Field(
                name=feature.name,
                dtype=FEAST_TYPES[feature.sql_type],
                description=feature.description,
                tags={"unit": feature.unit, "window": feature.window},
            )
            for feature in FEATURES
        ],
        source=source,
        online=True,
        description=table.grain,
        owner=table.owner,
        tags={"layer": "gold"},
    )
    service = FeatureService(
        name=ADHERENCE_SERVICE,
        features=[view[list(ADHERENCE_V1)]],
        description="What the adherence model reads, in training and in scoring",
        owner=table.owner,
    )
    return [user, view, service]
