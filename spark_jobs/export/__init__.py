"""The lake to Postgres for the analysts: changed partitions by COPY, then dbt."""
