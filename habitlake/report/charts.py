"""Charts from series of numbers: scales, ticks, marks and the words around them; pure functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from habitlake.report import svg

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, in percent of its length, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """A named line or stack: its style class and one value per place on the x axis; None is a gap."""

    name: str
    css: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws: the square of marks, the ticks around it and the legend beside it."""

    picture: Markup
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    x_title: str
    y_title: str
    legend: tuple[tuple[str, str], ...] = field(default=())


def axis(low: float, high: float, ticks: int = 4) -> tuple[float, float, list[float]]:
    """Return bottom, top and round ticks of an axis that holds both values, in steps of 1, 2, 2.5 or 5 times a power of 10."""
    if high <= low:
        high = low + 1
    raw = (high - low) / ticks
    power = 10 ** math.floor(math.log10(raw))
    step = next(step * power for step in STEPS if step * power >= raw * (1 - 1e-9))
    bottom, top = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return bottom, top, [round(bottom + index * step, 10) for index in range(round((top - bottom) / step) + 1)]


def places(length: int) -> list[float]:
    """Return evenly spaced x positions from 0 to 1."""
    return [index / (length - 1) if length > 1 else 0.5 for index in range(length)]


def label_ticks(labels: Sequence[str], at: Sequence[float], most: int = 4) -> tuple[Tick, ...]:
    """Return ticks for the first, the last and a few labels between, never so many that they touch."""
    if not labels:
        return ()
    last = len(labels) - 1
    parts = min(most - 1, last) or 1
    chosen = sorted({round(part * last / parts) for part in range(parts + 1)})
    return tuple(Tick(round(at[index] * 100, 2), labels[index]) for index in chosen)


def value_ticks(values: Sequence[float], bottom: float, top: float, unit: str) -> tuple[Tick, ...]:
    """Return ticks of a value axis; unit ``%`` writes shares as percentages."""

    def text(value: float) -> str:
        if unit == "%":
            return f"{value * 100:g} %"
        if abs(value) >= 1_000_000:
            return f"{value / 1_000_000:g}M"
        return f"{value / 1_000:g}k" if abs(value) >= 10_000 else f"{value:,g}"

    return tuple(Tick(round((value - bottom) / (top - bottom) * 100, 2), text(value)) for value in values)


def line_chart(
    series: Sequence[Series],
    labels: Sequence[str],
    *,
    label: str,
    x_title: str,
    y_title: str,
    unit: str = "",
    bounds: tuple[float, float] | None = None,
    band: tuple[Series, Series] | None = None,
) -> Chart:
    """Return lines over the labels, with an optional band between two more series; the axis starts at 0 unless bounded."""
    known = [
        value
        for one in (*series, *(band or ()))
        for value in one.values
        if value is not None
    ]  # fmt: skip
    bottom, top, ticks = axis(*(bounds or (min(0.0, *known, 0.0), max(known, default=1.0))))
    at = places(len(labels))

    def scaled(value: float | None) -> float | None:
        return None if value is None else (value - bottom) / (top - bottom)

    marks = [svg.rule((0, scaled(value)), (1, scaled(value)), "grid") for value in ticks]
    if band:
        edges = zip(at, map(scaled, band[0].values), map(scaled, band[1].values), strict=True)
        marks.append(svg.band(list(edges), band[0].css))
    marks += [svg.line(list(zip(at, map(scaled, one.values), strict=True)), one.css) for one in series]
    names = tuple((one.css, one.name) for one in series) + (
        ((band[0].css + " area faint", band[0].name),) if band else ()
    )
    return Chart(
        svg.square(marks, label),
        label_ticks(labels, at),
        value_ticks(ticks, bottom, top, unit),
        x_title,
        y_title,
        names if len(names) > 1 else (),
    )


def stacked_bars(
    series: Sequence[Series], labels: Sequence[str], *, label: str, x_title: str, y_title: str
) -> Chart:  # fmt: skip
    """Return one bar per label, the series stacked in order from the bottom; None counts as nothing."""
    totals = [sum(one.values[index] or 0 for one in series) for index in range(len(labels))]
    bottom, top, ticks = axis(0, max(totals, default=0))
    width = 1 / max(len(labels), 1)
    marks = [svg.rule((0, value / top), (1, value / top), "grid") for value in ticks]
    for index, name in enumerate(labels):
        base = 0.0
        title = f"{name}: " + ", ".join(f"{one.name} {round(one.values[index] or 0):,}" for one in series)
        for one in series:
            height = (one.values[index] or 0) / top
            left = (index + 0.12) * width
            marks.append(svg.bar(left, left + 0.76 * width, base, base + height, one.css, title))
            base += height
    at = [(index + 0.5) * width for index in range(len(labels))]
    return Chart(
        svg.square(marks, label),
        label_ticks(labels, at),
        value_ticks(ticks, bottom, top, ""),
        x_title,
        y_title,
        tuple((one.css + " area", one.name) for one in series) if len(series) > 1 else (),
    )


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases with like predictions: mean prediction, observed share with its interval, and how many there are."""

    predicted: float
    observed: float
    low: float
    high: float
    cases: int


def reliability(bins: Sequence[Bin], *, label: str) -> Chart:
    """Return observed against predicted shares with intervals; on the diagonal a prediction means what it says."""
    _, _, ticks = axis(0, 1)
    marks = [svg.rule((0, value), (1, value), "grid") for value in ticks]
    marks.append(svg.rule((0, 0), (1, 1), "reference"))
    marks += [svg.whisker(one.predicted, one.low, one.high, "s1") for one in bins]
    marks += [
        svg.dot(
            one.predicted,
            one.observed,
            "s1",
            f"predicted {one.predicted:.0%}, observed {one.observed:.0%} of {one.cases:,}",
        )
        for one in bins
    ]
    shares = value_ticks(ticks, 0, 1, "%")
    return Chart(
        svg.square(marks, label), shares, shares, "predicted share who adhere", "observed share who adhered", ()
    )


def sparkline(values: Sequence[float | None], label: str) -> Markup:
    """Return a small line of its own scale with its last known value marked; nothing below two known values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup()
    low, high = min(known), max(known)
    at = places(len(values))
    points = [
        (x, None if value is None else 0.5 if high == low else 0.1 + 0.8 * (value - low) / (high - low))
        for x, value in zip(at, values, strict=True)
    ]
    end = next((x, y) for x, y in reversed(points) if y is not None)
    return svg.square([svg.line(points, "s1"), svg.dot(*end, "s1")], label, "spark")


def heat_level(value: float | None, low: float, high: float, levels: int = 7) -> int | None:
    """Return the shade of a heat map's cell, 0 to levels - 1; None without a value."""
    if value is None:
        return None
    if high <= low:
        return levels // 2
    return min(levels - 1, max(0, int((value - low) / (high - low) * levels)))
