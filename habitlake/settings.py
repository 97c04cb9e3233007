"""Every setting of the platform, read once from the environment or ``.env`` (prefix ``HABITLAKE_``).

The embedded defaults need nothing installed but Java and Python. Every store that can live elsewhere
(Spark, Postgres, Redis, object store, MLflow) moves by one setting, with no change of code.
"""

import difflib
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from habitlake.errors import PermanentError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
ENV_PREFIX = "HABITLAKE_"


class Settings(BaseSettings):
    """The settings of one world; a world is everything under one ``HABITLAKE_HOME``."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_file=PROJECT_ROOT / ".env", env_ignore_empty=True, extra="forbid", frozen=True
    )

    home: Path = Field(PROJECT_ROOT / ".habitlake", description="state of this world; two homes never share anything")
    cache: Path = Field(PROJECT_ROOT / ".cache", description="downloads shared by all worlds (Spark's jars)")
    landing: str = Field(
        "", description="where raw events arrive: a folder or s3://bucket/prefix; default HOME/landing"
    )
    lake: str = Field("", description="root of the Delta tables: a folder or s3://bucket/prefix; default HOME/lake")
    outbox: str = Field("", description="where the queue is published as files: a folder or s3://; default HOME/outbox")

    postgres_dsn: SecretStr | None = Field(
        None, description="libpq URL of an external Postgres server, without database name; empty: embedded server"
    )
    analyst_password: SecretStr | None = Field(
        None, description="password of the read-only role habitlake_analyst; empty: local socket login only"
    )
    spark_remote: SecretStr | None = Field(
        None, description="sc:// address of a Spark Connect server (token included); empty: embedded server"
    )
    spark_master: str = Field("local[*]", description="master that the embedded Connect server drives")
    spark_driver_memory: str = Field("6g", description="memory of the embedded Connect server")
    spark_executor_memory: str = Field("1g", description="memory of each executor when spark_master is a cluster")
    spark_shuffle_partitions: int = Field(4, ge=1, description="shuffle partitions of every Spark session")
    s3_endpoint_url: str | None = Field(None, description="endpoint of an S3-compatible store; credentials: AWS_*")
    sqs_queue_url: str | None = Field(None, description="queue that published decisions are also sent to")
    redis_url: SecretStr | None = Field(
        None, description="host:port[,password=...] of Redis when the online store is redis"
    )
    online_store: Literal["sqlite", "redis"] = Field("sqlite", description="Feast online store")
    feature_server_port: int = Field(6566, ge=1, le=65_535, description="port of `habitlake serve features`")
    airflow_url: str = Field(
        "", description="http://host:port of Airflow's API server as its workers see it; empty: loopback, a free port"
    )
    mlflow_tracking_uri: str = Field("", description="MLflow tracking and registry; default sqlite under HOME")

    seed: int = Field(20260101, ge=0, description="root of every derived seed")
    people: int = Field(1_000, ge=1, description="people in the simulated demo world")
    history_nights: int = Field(60, ge=14, description="nights of history that the first nightly run brings in")
    dirt: float = Field(0.02, ge=0, le=0.5, description="share of simulated events touched by real life's dirt")
    holdout_share: float = Field(
        0.0, ge=0, le=0.5, description="share of people who are sent no intervention, to compare the others with"
    )
    max_line_bytes: int = Field(262_144, ge=1_024, description="a longer landing line is quarantined as oversized")
    real_data: Path = Field(PROJECT_ROOT.parent / "shared" / "data", description="folder of real data for tests")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least severe log shown")
    log_format: Literal["console", "json"] = Field("console", description="lines for people, or JSON")

    @field_validator("home", "cache", "real_data")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().resolve()

    @field_validator("landing", "lake", "outbox")
    @classmethod
    def _location(cls, location: str) -> str:
        if not location or location.startswith("s3://"):
            return location.rstrip("/")
        if "://" in location:
            msg = f"only a folder or s3://bucket/prefix can be used, not {location!r}"
            raise ValueError(msg)
        return str(Path(location).expanduser().resolve())

    @model_validator(mode="after")
    def _defaults_under_home(self) -> Self:
        for name, default in {
            "landing": str(self.home / "landing"),
            "lake": str(self.home / "lake"),
            "outbox": str(self.home / "outbox"),
            "mlflow_tracking_uri": f"sqlite:///{self.home / 'mlflow' / 'mlflow.db'}",
        }.items():
            if not getattr(self, name):
                object.__setattr__(self, name, default)
        return self

    def environment(self) -> dict[str, str]:
        """Return the variables that give a child process these same settings; secrets are in it, so never log it."""
        variables = {}
        for name in sorted(self.model_fields_set | {"home"}):
            value = getattr(self, name)
            if value is not None:
                plain = value.get_secret_value() if isinstance(value, SecretStr) else value
                variables[ENV_PREFIX + name.upper()] = str(plain)
        return variables

    @property
    def run_dir(self) -> Path:
        """Folder of process ids, sockets' addresses and tokens of the embedded services."""
        return self.home / "run"

    @property
    def truth_dir(self) -> Path:
        """The simulator's truth; no pipeline code may read it."""
        return self.home / "truth"


def unknown_variables(names: Iterable[str]) -> list[str]:
    """Return a sentence for each ``HABITLAKE_*`` name that is no setting, with the name that was likely meant."""
    known = [ENV_PREFIX + field.upper() for field in Settings.model_fields]
    problems = []
    for name in sorted(names):
        if not name.upper().startswith(ENV_PREFIX) or name.upper() in known:
            continue
        close = difflib.get_close_matches(name.upper(), known, n=1)
        problems.append(f"{name} is not a setting" + (f" (did you mean {close[0]}?)" if close else ""))
    return problems


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process.

    Raises
    ------
    PermanentError
        If a variable is unknown or out of range; the message names each.
    """
    # pydantic-settings refuses unknown names in .env alone; in the environment it does not see them.
    unknown = unknown_variables(os.environ)
    if unknown:
        msg = f"wrong setting: {'; '.join(unknown)}; see .env.example"
        raise PermanentError(msg)
    try:
        return Settings()
    except ValidationError as error:
        # An unknown name in .env comes with its own prefix; fields come without.
        problems = "; ".join(
            ("" if problem["type"] == "extra_forbidden" else ENV_PREFIX)
            + f"{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors(include_input=False)
        )
        msg = f"wrong setting: {problems}; see .env.example"
        raise PermanentError(msg) from error
