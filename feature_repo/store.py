"""The feature store of a world: registry and online store under HOME by default, Redis by setting."""

import os
from typing import TYPE_CHECKING, Any

from habitlake.errors import PermanentError
from habitlake.settings import Settings

if TYPE_CHECKING:
    from feast import FeatureStore

PROJECT = "habitlake"
KEY_SERIALIZATION = 3


def online_store(settings: Settings) -> dict[str, Any]:
    """Return Feast's configuration of the online store.

    Raises
    ------
    PermanentError
        If Redis is chosen without an address.
    """
    if settings.online_store == "sqlite":
        return {"type": "sqlite", "path": str(settings.home / "feast" / "online.db")}
    if settings.redis_url is None:
        msg = "HABITLAKE_ONLINE_STORE=redis needs HABITLAKE_REDIS_URL, such as localhost:6379"
        raise PermanentError(msg)
    return {"type": "redis", "connection_string": settings.redis_url.get_secret_value()}


def feature_store(settings: Settings) -> "FeatureStore":
    """Open the world's feature store; imports Feast, which takes seconds."""
    os.environ.setdefault("FEAST_USAGE", "False")
    from feast import FeatureStore, RepoConfig

    folder = settings.home / "feast"
    folder.mkdir(parents=True, exist_ok=True)
    return FeatureStore(
        config=RepoConfig(
            project=PROJECT,
            provider="local",
            registry=str(folder / "registry.db"),
            online_store=online_store(settings),
            offline_store={"type": "feature_repo.delta_offline_store.DeltaOfflineStore"},
            entity_key_serialization_version=KEY_SERIALIZATION,
            repo_path=folder,
        )
    )


def apply_definitions(store: "FeatureStore", settings: Settings) -> None:
    """Bring the registry to the definitions of this code."""
    from feature_repo.definitions import definitions

    store.apply(definitions(settings))
