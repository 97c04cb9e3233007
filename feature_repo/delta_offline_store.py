"""Feast's DuckDB offline store, reading Delta tables through delta-rs.

The stock store reads Delta with DuckDB's delta extension, which DuckDB downloads at run time; behind a mirror
or offline that fails. Here the table's log names the live files and DuckDB reads those, so a file that a
rerun replaced is never read. Everything else is Feast's own code.
"""

from datetime import datetime
from typing import Any, Literal

import ibis
import polars as pl
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig
from feast.infra.offline_stores.ibis import get_historical_features_ibis, pull_all_from_table_or_query_ibis
from feast.infra.offline_stores.offline_store import RetrievalJob

from habitlake.lake import storage_options
from habitlake.settings import get_settings


class DeltaOfflineStoreConfig(DuckDBOfflineStoreConfig):
    """Configuration: the class path is the type."""

    type: Literal["feature_repo.delta_offline_store.DeltaOfflineStore"] = (
        "feature_repo.delta_offline_store.DeltaOfflineStore"  # type: ignore[assignment]
    )


def read_delta(source: Any, repo_path: str) -> ibis.Table:  # noqa: ARG001 - Feast's signature
    """Return a Delta file source as an ibis table."""
    from deltalake import DeltaTable

    uri, options = source.path, storage_options(get_settings())
    if options is None:
        # Files that were written before the table gained a column hold null in it.
        return ibis.read_parquet(DeltaTable(uri).file_uris(), union_by_name=True)
    # DuckDB reads s3:// with another downloaded extension; remote tables go through Arrow.
    return ibis.memtable(pl.scan_delta(uri, storage_options=options).collect().to_arrow())


def refuse_write(*_: Any, **__: Any) -> None:
    """Refuse to write: the lake is written by its own jobs."""
    msg = "Feast does not write the lake"
    raise NotImplementedError(msg)


class DeltaOfflineStore(DuckDBOfflineStore):
    """The DuckDB offline store with our reader."""

    @staticmethod
    def pull_all_from_table_or_query(
        config: Any,
        data_source: Any,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """Return the rows of the window; materialization keeps the newest per entity."""
        return pull_all_from_table_or_query_ibis(
            config=config,
            data_source=data_source,
            join_key_columns=join_key_columns,
            feature_name_columns=feature_name_columns,
            timestamp_field=timestamp_field,
            created_timestamp_column=created_timestamp_column,
            start_date=start_date,
            end_date=end_date,
            data_source_reader=read_delta,
            data_source_writer=refuse_write,
        )

    @staticmethod
    def get_historical_features(
        config: Any,
        feature_views: list[Any],
        feature_refs: list[str],
        entity_df: Any,
        registry: Any,
        project: str,
        full_feature_names: bool = False,  # noqa: FBT001 - Feast's signature
        filter_by_created_timestamp: bool = False,  # noqa: FBT001
    ) -> RetrievalJob:
        """Return features as they were known at each entity row's instant."""
        return get_historical_features_ibis(
            config=config,
            feature_views=feature_views,
            feature_refs=feature_refs,
            entity_df=entity_df,
            registry=registry,
            project=project,
            full_feature_names=full_feature_names,
            data_source_reader=read_delta,
            data_source_writer=refuse_write,
            filter_by_created_timestamp=filter_by_created_timestamp,
        )
