"""Marks of charts as inline SVG: paths, bands, bars and dots in a square of 100 by 100 that stretches to its place.

Pure functions of numbers between 0 and 1 (x from the left, y from the bottom) that return markup. Colours are classes
of the style sheet, so that a chart follows the reader's light or dark scheme. Words never stand inside: a stretched
square would distort them.
"""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

Point = tuple[float, float | None]


def _x(value: float) -> str:
    return f"{round(min(max(value, 0.0), 1.0) * 100, 2):g}"


def _y(value: float) -> str:
    return f"{round(100 - min(max(value, 0.0), 1.0) * 100, 2):g}"


def line(points: Sequence[Point], css: str) -> Markup:
    """Return a line through the points; it breaks where y is None, and a point alone between gaps is a dot."""
    parts: list[str] = []
    for start, stop in _runs(points):
        run = [f"{_x(x)} {_y(y)}" for x, y in points[start:stop] if y is not None]
        parts.append("M" + "L".join(run) if len(run) > 1 else f"M{run[0]}h0")
    if not parts:
        return Markup()
    return Markup('<path class="line {}" d="{}"/>').format(css, "".join(parts))


def _runs(points: Sequence[Point]) -> Iterable[tuple[int, int]]:
    start = None
    for index, (_, y) in enumerate(points):
        if y is None:
            if start is not None:
                yield start, index
            start = None
        elif start is None:
            start = index
    if start is not None:
        yield start, len(points)


def band(edges: Sequence[tuple[float, float | None, float | None]], css: str) -> Markup:
    """Return the area between lower and upper edges (x, low, high); points without an edge are left out."""
    known = [(x, low, high) for x, low, high in edges if low is not None and high is not None]
    if len(known) < 2:
        return Markup()
    there = "L".join(f"{_x(x)} {_y(high)}" for x, _, high in known)
    back = "L".join(f"{_x(x)} {_y(low)}" for x, low, _ in reversed(known))
    return Markup('<path class="band {}" d="M{}L{}Z"/>').format(css, there, back)


def bar(left: float, right: float, bottom: float, top: float, css: str, title: str = "") -> Markup:
    """Return a rectangle; nothing where it has no area. The title shows when the pointer rests on it."""
    if right <= left or top <= bottom:
        return Markup()
    width, height = f"{round((right - left) * 100, 2):g}", f"{round((top - bottom) * 100, 2):g}"
    named = Markup("<title>{}</title>").format(title) if title else Markup()
    return Markup('<rect class="bar {}" x="{}" y="{}" width="{}" height="{}">{}</rect>').format(
        css, _x(left), _y(top), width, height, named
    )


def dot(x: float, y: float, css: str, title: str = "") -> Markup:
    """Return a round dot that keeps its shape when the square is stretched."""
    named = Markup("<title>{}</title>").format(title) if title else Markup()
    return Markup('<path class="dot {}" d="M{} {}h0">{}</path>').format(css, _x(x), _y(y), named)


def whisker(x: float, low: float, high: float, css: str) -> Markup:
    """Return the vertical line of an interval."""
    return Markup('<path class="whisker {}" d="M{} {}V{}"/>').format(css, _x(x), _y(low), _y(high))


def rule(start: Point, end: Point, css: str) -> Markup:
    """Return a straight reference line."""
    return Markup('<path class="rule {}" d="M{} {}L{} {}"/>').format(
        css, _x(start[0]), _y(start[1] or 0), _x(end[0]), _y(end[1] or 0)
    )


def square(marks: Iterable[Markup], label: str, css: str = "plot") -> Markup:
    """Return the SVG element of the marks, with what it shows in words for those who do not see it."""
    return Markup(
        '<svg class="{}" viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(css, label, Markup().join(marks))
