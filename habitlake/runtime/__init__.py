"""The engines of a world: embedded Postgres and Spark Connect, Airflow, and their life cycle."""
