"""What the world's weather forecast does to context windows: those with it beside those without."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.lived import EPOCH, FIRST, Lived, true_probability
from habitlake.clock import first_day_after
from habitlake.simulator.forecast import forecast
from habitlake.simulator.people import SLOTS, Traits
from models.windows.config import BANDS, CONFIG
from models.windows.effects import Floats
from models.windows.inputs import People
from models.windows.weather import Weather, expected_weather
from models.windows.windows import Windows

SHOWN = {
    "saved": "log loss of the sessions that followed, saved by the forecast",
    "wet": "added by the forecast on days that turned out wet",
    "fair": "added by the forecast on days that turned out fair",
    "added": "wet days beside fair ones: added by the forecast",
    "missing": "wet days beside fair ones: missing without it",
}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the forecast did to the probabilities of one world's windows, as ``SHOWN`` says.

    Missing is the true probability less the one without the forecast.
    """

    saved: float
    wet: float
    fair: float
    added: float
    missing: float


def reports_of(people: People, lived: Sequence[Lived]) -> pl.DataFrame:
    """Return the attempts of the days by the person's zone, date, part of the day and weather band."""
    days = []
    for number, one in enumerate(lived, start=1 - len(lived)):
        tried = one.day.session | one.day.skipped
        day = {"time_zone": people.zone, "local_date": people.as_of + number, "slot": one.day.slot, "band": one.band}
        days.append(pl.DataFrame(day).filter(pl.Series(tried)))
    return (
        pl.concat(days)
        .select(
            "time_zone",
            pl.col("local_date").cast(pl.Int32).cast(pl.Date),
            time_slot=pl.col("slot").replace_strict(dict(enumerate(SLOTS)), return_dtype=pl.String),
            weather_band=pl.col("band").replace_strict(dict(enumerate(BANDS)), return_dtype=pl.String),
        )
        .group_by(pl.all())
        .agg(attempts=pl.len().cast(pl.Int64))
    )


def forecasts_of(seed: int, first_date: date) -> pl.DataFrame:
    """Return what had been said by the nights whose windows begin on a date: in each zone by the night of its own."""
    issued = [first_date - timedelta(days=back) for back in range(CONFIG.ledger_nights, 0, -1)]
    lines = [
        line
        for day in issued
        for line in forecast(seed, FIRST, day)
        if day >= FIRST and first_day_after(day, line["timeZone"]) <= first_date
    ]
    return pl.DataFrame(lines).select(
        time_zone="timeZone",
        local_date=pl.col("localDate").str.to_date(),
        hour="hour",
        hours="hours",
        issued_at=pl.col("issuedAt").str.to_datetime(time_unit="us", time_zone="UTC"),
        weather="weather",
        temperature_f="temperature",
        precipitation_probability="precipitationProbability",
    )


def weather_of(seed: int, people: People, lived: Sequence[Lived]) -> tuple[Weather, Weather]:
    """Return the weather that is expected of the windows' dates: with the world's forecast, and without."""
    first_date = EPOCH + timedelta(days=int(people.first_date[0]))
    zones = people.zone.unique().sort()
    first_dates = pl.DataFrame({"time_zone": zones, "first_date": [first_date] * len(zones)})
    reports, said = reports_of(people, lived[-CONFIG.ledger_nights :]), forecasts_of(seed, first_date)
    return expected_weather(first_dates, reports, said), expected_weather(first_dates, reports, said.clear())


def foreseen(traits: Traits, seeing: Windows, blind: Windows, later: Sequence[Lived]) -> Foreseen:
    """Compare windows with and without the forecast, those of the same part of the day and date."""
    added, missing, band, saved = [], [], [], []
    for number, one in enumerate(later):
        same = one.day.present[:, None] & (seeing.part[:, number] == blind.part[:, number])
        with_it, without = seeing.probability[:, number][same], blind.probability[:, number][same]
        added.append(with_it - without)
        missing.append(true_probability(traits, one.day, seeing.part[:, number])[same] - without)
        band.append(np.broadcast_to(one.band[:, None], same.shape)[same])
        meant = (seeing.part[:, number] == one.day.slot[:, None])[same]
        happened = np.broadcast_to(one.day.session[:, None], same.shape)[same][meant]
        saved.append(_losses(without[meant], happened) - _losses(with_it[meant], happened))
    wet, fair = (np.concatenate(band) == BANDS.index(name) for name in ("wet", "fair"))
    more, lacked = np.concatenate(added), np.concatenate(missing)
    return Foreseen(
        saved=float(np.concatenate(saved).mean()),
        wet=float(more[wet].mean()),
        fair=float(more[fair].mean()),
        added=float(more[wet].mean() - more[fair].mean()),
        missing=float(lacked[wet].mean() - lacked[fair].mean()),
    )


def _losses(probability: Floats, happened: NDArray[np.bool_]) -> Floats:
    return np.asarray(-np.log(np.where(happened, probability, 1 - probability)))
