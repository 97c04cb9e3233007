"""The weather that windows are for: the forecast of an hour where one is known, else the zone's usual weather.

Usual is what the people of a zone trained or skipped in, of 28 nights. A forecast says how likely each band of weather is;
it is drawn towards the usual by how far ahead it was made, as far as past forecasts were worth believing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from habitlake.clock import Interval, night_end
from habitlake.contracts.weather import COLD_BELOW_F, HOT_ABOVE_F, WET
from habitlake.lake import scan_table
from habitlake.settings import Settings
from models.windows.config import BANDS, CONFIG, HOURS, PARTS
from models.windows.effects import Floats, rounded
from models.windows.inputs import read_ledger

SAID = ("weather", "temperature_f", "precipitation_probability")
PART_OF = {hour: part for part, hours in PARTS.items() for hour in hours}
LINE = ("time_zone", "local_date", "hour", "hours", "issued_at", *SAID)


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely each band of weather is; the first axis of each array is the zones that people are in.

    ``usual`` is (zones, bands). ``expected`` is (zones, dates, hours, bands) and ``forecast`` (zones, dates, hours): the row
    of ``said`` that an hour's forecast is, -1 without one. Dates and hours are of length 1 where nothing is forecast.
    """

    zones: Sequence[str]
    usual: Floats
    expected: Floats
    forecast: NDArray[np.int64]
    said: pl.DataFrame

    def zones_of(self, zone: pl.Series) -> NDArray[np.int64]:
        """Return each person's place in the first axis."""
        places = pl.DataFrame(
            {"zone": self.zones, "place": range(len(self.zones))}, {"zone": pl.String, "place": pl.Int64}
        )
        return zone.to_frame("zone").join(places, on="zone", how="left", maintain_order="left")["place"].to_numpy()


def read_reports(night: date, people: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Return ``attempts`` by ``time_zone``, ``local_date``, ``time_slot``, ``weather_band``: in what weather a zone's people trained or skipped."""
    return (
        read_ledger(night, settings)
        .filter(pl.col("weather_band").is_in(BANDS))
        .join(people.lazy().select("user_id", "time_zone"), on="user_id")
        .group_by("time_zone", "local_date", "time_slot", "weather_band")
        .agg(attempts=(pl.col("completed") + pl.col("skipped")).sum())
        .collect()
        .sort("time_zone", "local_date", "time_slot", "weather_band")
    )


def read_forecasts(night: date, settings: Settings) -> pl.DataFrame:
    """Return what was said of the weather by the night's end, of the nights that tell the usual weather."""
    nights = Interval(night - timedelta(days=CONFIG.ledger_nights - 1), night)
    return (
        scan_table("silver.weather", settings, nights)
        .filter(pl.col("issued_at") < night_end(night))
        .select(LINE)
        .collect()
        .sort("time_zone", "local_date", "issued_at", "hour")
    )


def usual_bands(reports: pl.DataFrame) -> tuple[list[str], Floats]:
    """Return the zones with reports and how likely each band usually is, (zones and one more, bands).

    Shares of attempts, drawn towards those of all zones, which stand for every other zone; fair without any report.
    """
    counts = reports.group_by("time_zone").agg(
        pl.col("attempts").filter(pl.col("weather_band") == band).sum().cast(pl.Float64).alias(band) for band in BANDS
    ).sort("time_zone")  # fmt: skip
    own = np.concatenate([counts.select(BANDS).to_numpy(), np.zeros((1, len(BANDS)))])
    everywhere = (own.sum(axis=0) + np.eye(len(BANDS))[0]) / (own.sum() + 1)
    usual = (own + CONFIG.zone_attempts * everywhere) / (own.sum(axis=1, keepdims=True) + CONFIG.zone_attempts)
    return counts["time_zone"].to_list(), rounded(usual)


def hourly(forecasts: pl.DataFrame) -> pl.DataFrame:
    """Return a row per forecast and hour that windows have, with how likely each band is and the days ahead.

    Wet is the probability of precipitation, or certain where the weather is wet and none is given; else the temperature
    tells. Days ahead count from the UTC date of issue. Older forecasts than ``CONFIG.forecast_share`` knows are left out.
    """
    wet = pl.coalesce("precipitation_probability", pl.col("weather").is_in(WET).cast(pl.Float64))
    cold, hot = pl.col("temperature_f") < COLD_BELOW_F, pl.col("temperature_f") > HOT_ABOVE_F
    ends = pl.min_horizontal(pl.col("hour") + pl.coalesce("hours", 1), 24)
    return (
        forecasts.with_columns(
            wet=wet,
            cold=pl.when(cold).then(1 - wet).otherwise(0.0),
            hot=pl.when(hot).then(1 - wet).otherwise(0.0),
            fair=pl.when(cold | hot).then(0.0).otherwise(1 - wet),
            ahead=(pl.col("local_date") - pl.col("issued_at").dt.date()).dt.total_days().clip(0),
            spans=pl.coalesce("hours", 1),
            starts="hour",
            hour=pl.int_ranges("hour", ends),
        )
        .filter(pl.col("ahead") < len(CONFIG.forecast_share))
        .explode("hour")
        .filter(pl.col("hour").is_in(HOURS))
    )


def newest(said: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Return of each hour what was said last; of one time of issue, the line of fewer hours."""
    order = ["issued_at", "spans", "starts"]
    return said.sort(*keys, *order, descending=[False] * (len(keys) + 1) + [True, False]).unique(
        keys, keep="last", maintain_order=True
    )


def forecast_worth(said: pl.DataFrame, reports: pl.DataFrame, usual: pl.DataFrame) -> Floats:
    """Return by days ahead what share of a forecast's distance from the usual weather is to be believed, 0 to 1.

    Least squares of the bands that people reported on those forecast, both from the usual ones, over zones, dates and
    parts of the day with a few reports; with ``CONFIG.forecast_share`` beforehand, worth ``CONFIG.forecast_parts`` of them.

    Parameters
    ----------
    said
        Rows of ``hourly``.
    reports
        Rows of ``read_reports``.
    usual
        ``time_zone`` and how likely each band usually is.
    """
    part = ["time_zone", "local_date", "time_slot"]
    found = reports.group_by(part).agg(
        *(pl.col("attempts").filter(pl.col("weather_band") == band).sum().alias(f"reported_{band}") for band in BANDS),
        attempts=pl.col("attempts").sum(),
    )
    told = (
        newest(said, "time_zone", "local_date", "hour", "ahead")
        .with_columns(time_slot=pl.col("hour").replace_strict(PART_OF, return_dtype=pl.String))
        .group_by(*part, "ahead", maintain_order=True)
        .agg(pl.col(BANDS).mean())
        .join(found.filter(pl.col("attempts") >= CONFIG.min_attempts), on=part)
        .join(usual, on="time_zone", suffix="_usual")
        .sort(*part, "ahead")
    )
    moved = [pl.col(band) - pl.col(f"{band}_usual") for band in BANDS]
    came = [pl.col(f"reported_{band}") / pl.col("attempts") - pl.col(f"{band}_usual") for band in BANDS]
    cells = told.select(
        "ahead",
        product=pl.sum_horizontal(move * come for move, come in zip(moved, came, strict=True)),
        square=pl.sum_horizontal(move**2 for move in moved),
    )
    # Added up in order: sums of doubles depend on it.
    product, square = (
        np.bincount(cells["ahead"], cells[name], len(CONFIG.forecast_share)) for name in ("product", "square")
    )
    worth = (product + CONFIG.forecast_parts * np.array(CONFIG.forecast_share)) / (square + CONFIG.forecast_parts)
    return rounded(np.clip(worth, 0.0, 1.0))


def expected_weather(first_dates: pl.DataFrame, reports: pl.DataFrame, forecasts: pl.DataFrame) -> Weather:
    """Return the weather that is expected of the dates that windows are for.

    Parameters
    ----------
    first_dates
        ``time_zone`` and ``first_date``, the first of the dates, of each zone that people are in.
    reports
        Rows of ``read_reports``.
    forecasts
        Rows of ``read_forecasts``; an hour without one has the zone's usual weather.
    """
    reported, bands = usual_bands(reports)
    zones = first_dates["time_zone"].to_list()
    usual = bands[[reported.index(zone) if zone in reported else -1 for zone in zones]]
    of_zone = first_dates.with_row_index("zone").with_columns(
        pl.Series(band, usual[:, number]) for number, band in enumerate(BANDS)
    )
    said = hourly(forecasts).join(of_zone.select("time_zone", "zone", "first_date"), on="time_zone")
    day = (pl.col("local_date") - pl.col("first_date")).dt.total_days()
    ahead = newest(
        said.with_columns(day=day).filter(pl.col("day").is_between(0, CONFIG.days_ahead - 1)), "zone", "day", "hour"
    )
    if ahead.is_empty():
        return Weather(zones, usual, usual[:, None, None, :], np.full((len(zones), 1, 1), -1), ahead.select(SAID))
    worth = forecast_worth(said, reports, of_zone)[ahead["ahead"].to_numpy(), None]
    shape = (len(zones), CONFIG.days_ahead, len(HOURS))
    place = (ahead["zone"].to_numpy(), ahead["day"].to_numpy(), ahead["hour"].to_numpy() - HOURS[0])
    expected, forecast = np.broadcast_to(usual[:, None, None, :], (*shape, len(BANDS))).copy(), np.full(shape, -1)
    expected[place] = rounded(worth * ahead.select(BANDS).to_numpy() + (1 - worth) * usual[place[0]])
    forecast[place] = np.arange(ahead.height)
    return Weather(zones, usual, expected, forecast, ahead.select(SAID))


def read_weather(night: date, people: pl.DataFrame, settings: Settings) -> Weather:
    """Return the weather that the night expects, from what its people reported and what was said by its end."""
    first_dates = people.select("time_zone", "first_date").unique().sort("time_zone")
    return expected_weather(first_dates, read_reports(night, people, settings), read_forecasts(night, settings))
