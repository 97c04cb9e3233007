"""From windows to rows of gold.workout_windows: reasons in words and numbers, and what to do if a window does not work."""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.clock import night_end
from habitlake.tables import get_table
from models.windows.config import CONFIG, FACTORS, PART_NAMES, QUALITIES, VERSION, WEEKDAYS
from models.windows.inputs import People
from models.windows.windows import Windows

TABLE = "gold.workout_windows"
RECORDS = "gold.user_windows"
TOLD = ("valid_for", "rank", "hour", "success_probability", "recommended", "backup_plan")
# What a reason is worth telling from: points of probability, and log-odds.
TOLD_EFFECT, TOLD_TERM = 0.005, 0.1


def _percent(share: str) -> pl.Expr:
    return (pl.col(share) * 100).round().cast(pl.Int64)


def _clock(hour: str) -> pl.Expr:
    return pl.col(hour).cast(pl.String).str.zfill(2) + ":00"


def _whole(number: str) -> pl.Expr:
    return pl.col(number).round().cast(pl.Int64)


def _weekday(day: str) -> pl.Expr:
    names = {number: name.capitalize() for number, name in enumerate(WEEKDAYS, start=1)}
    return pl.col(day).dt.weekday().replace_strict(names, return_dtype=pl.String)


def _part() -> pl.Expr:
    return pl.col("part_of_day").str.replace("_", " ")


def _weather() -> pl.Expr:
    """Return what is forecast of the hour, or else how the weather usually is, and what it does; null where nothing is to tell."""
    effect, wet = pl.col("weather_effect"), pl.col("precipitation_probability")
    matters = effect.abs() >= TOLD_EFFECT
    takes = pl.format(
        "weather {} {} points",
        pl.when(effect < 0).then(pl.lit("takes")).otherwise(pl.lit("adds")),
        (effect.abs() * 100).round(1),
    )
    said = pl.format(
        "forecast: {} expected at {} ({} °F{})",
        "weather",
        _clock("hour"),
        _whole("temperature_f"),
        pl.when(wet.is_null())
        .then(pl.lit(""))
        .otherwise(pl.format(", {} % wet", _percent("precipitation_probability"))),
    )
    usual = pl.format("{}: not fair on {} % of days", takes, _percent("bad_weather"))
    return (
        pl.when(pl.col("weather").is_not_null())
        .then(pl.when(matters).then(pl.format("{}, {}", said, takes)).otherwise(said))
        .when(matters)
        .then(usual)
    )


def reasons() -> pl.Expr:
    """Return why the window is as likely as it is, in sentences: own counts first, then what is expected of the date."""
    enough = pl.col("attempts") >= CONFIG.min_attempts
    energy, stress, recent = (pl.col(name) for name in ("term_energy", "term_stress", "term_recent"))
    told = [
        pl.when(enough).then(
            pl.format("{}: {} of {} workouts done", _part(), _whole("completed"), _whole("attempts"))
        ).otherwise(
            pl.format(
                "{}: {} workouts known, judged by {}",
                _part(),
                _whole("attempts"),
                pl.when("prefers").then(pl.lit("people who prefer it")).otherwise(pl.lit("people who do not prefer it")),
            )
        ),
        pl.when(pl.col("schedule_conflict") == 1).then(pl.lit("outside the times that the schedule names"))
        .when("planned")
        .then(pl.lit("a workout is planned for the date"))
        .when(pl.col("weekday_days") > 0)
        .then(
            pl.format(
                "{}s: kept free on {} of {}", _weekday("valid_for"), _whole("kept"), _whole("weekday_days")
            )
        )
        .otherwise(pl.format("{}s: none known yet", _weekday("valid_for"))),
        _weather(),
        pl.when(energy.abs() >= TOLD_TERM).then(
            pl.format("energy of {} expected, {} than usual", pl.col("expected_energy").round(1), _higher("expected_energy", "mean_energy"))
        ),
        pl.when(stress.abs() >= TOLD_TERM).then(
            pl.format("stress of {} expected, {} than usual", pl.col("expected_stress").round(1), _higher("expected_stress", "mean_stress"))
        ),
        pl.when(recent.abs() >= TOLD_TERM).then(
            pl.when(recent > 0).then(pl.lit("lately better than over the month")).otherwise(pl.lit("lately worse than over the month"))
        ),
        pl.when("injured").then(pl.lit("not recommended: an injury or illness is unresolved")),
    ]  # fmt: skip
    return pl.concat_list(told).list.drop_nulls()


def _higher(expected: str, mean: str) -> pl.Expr:
    return pl.when(pl.col(expected) > pl.col(mean)).then(pl.lit("higher")).otherwise(pl.lit("lower"))


def backups(windows: Windows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each window the rank of the next best of its date, and the date of the best of the other dates."""
    people, dates, ranks = windows.probability.shape
    same = np.array([1, *([0] * (ranks - 1))])
    best = np.broadcast_to(windows.probability[:, None, :, 0], (people, dates, dates)).copy()
    best[:, np.arange(dates), np.arange(dates)] = -1
    return np.broadcast_to(same, (people, dates, ranks)), np.broadcast_to(
        best.argmax(axis=2)[:, :, None], (people, dates, ranks)
    )


def window_rows(people: People, windows: Windows, night: date) -> pl.DataFrame:
    """Return rows of gold.workout_windows, by user, date and rank."""
    shape = windows.probability.shape
    count, dates, ranks = shape
    row = np.repeat(np.arange(count), dates * ranks)
    next_rank, other_date = backups(windows)
    everybody, all_dates = np.arange(count)[:, None, None], np.arange(dates)[None, :, None]

    def flat(values: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.ascontiguousarray(np.broadcast_to(values, shape)).reshape(-1)

    valid_for = people.first_date[:, None, None] + np.arange(dates)[None, :, None]
    frame = pl.DataFrame(
        {
            "user_id": people.users.gather(row),
            "valid_for": flat(valid_for),
            "rank": flat(np.arange(1, ranks + 1)),
            "hour": flat(windows.hour),
            "part": flat(windows.part),
            "prefers": flat(people.prefers[everybody, windows.part]),
            "success_probability": flat(windows.probability),
            "interval_low": flat(windows.low),
            "interval_high": flat(windows.high),
            "schedule_conflict": flat(windows.conflict),
            "weather_effect": flat(windows.weather_effect),
            "expected_energy": flat(windows.energy),
            "expected_stress": flat(windows.stress),
            "mean_energy": flat(windows.mean_energy[:, None, None]),
            "mean_stress": flat(windows.mean_stress[:, None, None]),
            "attempts": flat(windows.attempts),
            "completed": flat(windows.completed),
            "planned": flat(windows.planned),
            "injured": flat(people.injured[:, None, None]),
            "kept": flat(windows.kept),
            "weekday_days": flat(windows.weekday_days),
            "bad_weather": flat(windows.bad_weather[:, None, None]),
            "quality": flat(windows.quality[:, None, None]),
            **{f"term_{name}": flat(windows.terms[..., number]) for number, name in enumerate(FACTORS)},
            "backup_hour": flat(windows.hour[everybody, all_dates, next_rank]),
            "backup_probability": flat(windows.probability[everybody, all_dates, next_rank]),
            "other_date": flat(people.first_date[:, None, None] + other_date),
            "other_hour": flat(windows.hour[everybody, other_date, 0]),
            "other_probability": flat(windows.probability[everybody, other_date, 0]),
        }
    ).with_columns(
        pl.col("valid_for", "other_date").cast(pl.Int32).cast(pl.Date),
        *windows.said.select(pl.all().gather(pl.Series(flat(windows.forecast)).replace(-1, None))).get_columns(),
    )
    named = frame.with_columns(
        batch_date=pl.lit(night),
        part_of_day=pl.col("part").replace_strict(dict(enumerate(PART_NAMES)), return_dtype=pl.String),
        weather_source=pl.when(pl.col("weather").is_null()).then(pl.lit("climatology")).otherwise(pl.lit("forecast")),
        input_quality=pl.col("quality").replace_strict(dict(enumerate(QUALITIES)), return_dtype=pl.String),
    )
    return named.with_columns(
        confidence=(1 - (pl.col("interval_high") - pl.col("interval_low"))).round(6),
        recommended=(pl.col("success_probability") > CONFIG.recommended_above) & ~pl.col("injured"),
        contributions=pl.struct(pl.col(f"term_{name}").alias(name) for name in FACTORS).struct.json_encode(),
        reasons=reasons(),
        backup_plan=pl.format(
            "{} ({} %), or {} at {} ({} %)",
            _clock("backup_hour"),
            _percent("backup_probability"),
            _weekday("other_date"),
            _clock("other_hour"),
            _percent("other_probability"),
        ),
        model_version=pl.lit(VERSION),
    ).select(get_table(TABLE).column_names)


def record_rows(rows: pl.DataFrame, night: date) -> pl.DataFrame:
    """Return rows of gold.user_windows from rows of gold.workout_windows that hold whole people, in their order."""
    end = pl.lit(night_end(night)).cast(pl.Datetime("us", "UTC"))
    told = rows.select("user_id", "input_quality", "model_version", told=pl.struct(TOLD).struct.json_encode())
    return (
        told.group_by("user_id", maintain_order=True)
        .agg(pl.col("told").str.join(","), pl.col("input_quality", "model_version").first())
        .with_columns(
            batch_date=pl.lit(night),
            event_timestamp=end,
            created_timestamp=end,
            windows=pl.format("[{}]", "told"),
        )
        .select(get_table(RECORDS).column_names)
    )
