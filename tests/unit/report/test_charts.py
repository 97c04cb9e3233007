import xml.etree.ElementTree as ET

import pytest

from habitlake.report import charts, svg


def parsed(markup) -> ET.Element:
    return ET.fromstring(str(markup))


def test_a_line_breaks_where_a_value_is_missing_and_a_lone_value_is_a_dot():
    path = parsed(svg.line([(0, 0.0), (0.25, 1.0), (0.5, None), (0.75, 0.5), (0.9, None)], "s1"))
    assert path.get("d") == "M0 100L25 0M75 50h0"
    assert svg.line([(0, None)], "s1") == ""


def test_a_band_goes_there_along_the_top_and_back_along_the_bottom():
    path = parsed(svg.band([(0, 0.1, 0.5), (0.5, None, None), (1, 0.2, 0.6)], "s1"))
    assert path.get("d") == "M0 50L100 40L100 80L0 90Z"
    assert svg.band([(0, 0.1, 0.5)], "s1") == ""


def test_marks_stay_inside_the_square():
    assert parsed(svg.dot(1.2, -0.1, "s1")).get("d") == "M100 100h0"
    box = parsed(svg.bar(0.1, 0.3, 0.25, 0.75, "s2", "three"))
    assert [box.get(name) for name in ("x", "y", "width", "height")] == ["10", "25", "20", "50"]
    assert box.find("title").text == "three"
    assert svg.bar(0.1, 0.3, 0.5, 0.5, "s2") == ""


def test_words_of_a_chart_are_escaped():
    picture = svg.square([svg.dot(0, 0, "s1", "<script>")], '"><script>alert(1)</script>')
    element = parsed(picture)
    assert element.get("aria-label") == '"><script>alert(1)</script>'
    assert element.get("role") == "img"
    assert not element.findall(".//script")


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.25, 0.5, 0.75, 1]),
        (0, 1_538, [0, 500, 1_000, 1_500, 2_000]),
        (0, 7, [0, 2, 4, 6, 8]),
        (0, 0, [0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_an_axis_has_round_ticks_and_holds_its_values(low, high, ticks):
    bottom, top, found = charts.axis(low, high)
    assert found == ticks
    assert bottom <= low
    assert top >= high


def test_few_labels_stand_below_a_chart_the_first_and_the_last_among_them():
    labels = [str(number) for number in range(30)]
    ticks = charts.label_ticks(labels, charts.places(30))
    assert [tick.text for tick in ticks] == ["0", "10", "19", "29"]
    assert (ticks[0].at, ticks[-1].at) == (0, 100)
    assert [tick.text for tick in charts.label_ticks(["only"], charts.places(1))] == ["only"]


def test_bars_are_stacked_in_order_and_say_their_numbers():
    chart = charts.stacked_bars(
        [charts.Series("accepted", "s1", (6, None)), charts.Series("refused", "s2", (2, None))],
        ["Mon", "Tue"],
        label="lines",
        x_title="night",
        y_title="lines",
    )
    lower, upper = parsed(chart.picture).findall("rect")
    assert (lower.get("y"), lower.get("height")) == ("25", "75")
    assert (upper.get("y"), upper.get("height")) == ("0", "25")
    assert upper.find("title").text == "Mon: accepted 6, refused 2"
    assert [name for _, name in chart.legend] == ["accepted", "refused"]


def test_a_line_chart_scales_to_its_bounds():
    chart = charts.line_chart(
        [charts.Series("strength", "s1", (0.0, 0.5, 1.0))],
        ["a", "b", "c"],
        label="habit",
        x_title="week",
        y_title="strength",
        bounds=(0, 1),
    )
    line = next(path for path in parsed(chart.picture).findall("path") if path.get("class") == "line s1")
    assert line.get("d") == "M0 100L50 50L100 0"
    assert [tick.text for tick in chart.y] == ["0", "0.25", "0.5", "0.75", "1"]
    assert chart.legend == ()


def test_a_reliability_chart_has_a_dot_and_an_interval_per_group():
    chart = charts.reliability([charts.Bin(0.2, 0.25, 0.1, 0.4, 30), charts.Bin(0.8, 0.7, 0.6, 0.8, 30)], label="x")
    classes = [path.get("class") for path in parsed(chart.picture).findall("path")]
    assert classes.count("dot s1") == classes.count("whisker s1") == 2
    assert classes.count("rule reference") == 1


def test_a_sparkline_needs_two_values_and_marks_the_last():
    assert charts.sparkline([None, 3.0], "x") == ""
    line, dot = parsed(charts.sparkline([1.0, 3.0, None], "x")).findall("path")
    assert line.get("d") == "M0 90L50 10"
    assert dot.get("d") == "M50 10h0"


def test_shades_cover_the_range_of_a_heat_map():
    assert [charts.heat_level(value, 0.5, 0.9) for value in (0.5, 0.69, 0.9, None)] == [0, 3, 6, None]
    assert charts.heat_level(0.5, 0.5, 0.5) == 3
