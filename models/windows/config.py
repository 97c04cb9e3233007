"""The fixed choices of the context windows; every number that a window depends on beside the data."""

from pydantic import BaseModel, ConfigDict

# Hours at which a window of one hour may start, so that windows lie between 6:00 and 22:00 (founding document).
HOURS = tuple(range(6, 22))
# Parts of the day as gold.context_patterns names them, with the hours of each; what starts later is no window.
PARTS: dict[str, tuple[int, ...]] = {
    "early_morning": (6,),
    "morning": (7, 8, 9, 10),
    "midday": (11, 12, 13),
    "afternoon": (14, 15, 16, 17),
    "evening": (18, 19, 20, 21),
}
PART_NAMES = tuple(PARTS)
# The first band is the one that the others are compared with.
BANDS = ("fair", "wet", "cold", "hot")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# What adds to the log-odds of a window, in the order of its explanation.
FACTORS = ("usual", "recent", "weekday", "part_of_day", "weather", "energy", "stress")
# Of the method: a change of what a window's numbers mean is a new version.
VERSION = "2"
QUALITIES = ("complete", "partial", "thin", "population")


class WindowsConfig(BaseModel):
    """Constants; those without a source in a comment are own choices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days_ahead: int = 3
    ranks: int = 3
    # Founding document.
    recommended_above: float = 0.7
    # Nights of the ledger that tell the usual hour of each part of the day and how often a kind of weather occurs.
    ledger_nights: int = 28
    # People from whom the population's parameters are estimated, and the fewest from whom they are.
    prior_people: int = 20_000
    min_people: int = 100
    iterations: int = 60
    # Days of a weekday, attempts in a zone, and sessions by part of the day, that what is known beforehand is worth.
    weekday_days: float = 1.0
    zone_attempts: float = 50.0
    # Share of a forecast to be believed by days ahead, before past forecasts tell: NOAA (scijinks.gov/forecast-reliability)
    # calls those of five days right 90 % of the time and those of seven 80 %. What is older says no more than usual weather
    # does. Zones' parts of the day with reports that this is worth.
    forecast_share: tuple[float, ...] = (0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8)
    forecast_parts: float = 20.0
    usage_sessions: float = 5.0
    # What of a day's surprise is left a day later, and the standard deviation, in log-odds, of what a point of energy, of
    # stress, a surprise and a month may do before there is data.
    surprise_memory: float = 0.85
    slope_sd: float = 0.3
    min_observed_days: int = 7
    min_attempts: int = 3


CONFIG = WindowsConfig()
