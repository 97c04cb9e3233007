from datetime import date

from habitlake.report.panels import MissingError, Recipe, serve
from habitlake.report.render import page

FACTS = {"night": date(2026, 3, 31)}
HOSTILE = "</p><script>alert(1)</script>"


def fill(content):
    def give():
        if isinstance(content, Exception):
            raise content
        return content

    return give


def test_what_is_missing_or_broken_is_one_line_and_the_rest_stands():
    recipes = [
        Recipe("glance", "Good", "lead", fill({"tiles": [{"label": "people", "value": "3", "note": "known"}]})),
        Recipe("gates", "Missing", "lead", fill(MissingError("no gate ran: run the night"))),
        Recipe("habit", "Unreadable", "lead", fill(RuntimeError("no such column\nwith a trace"))),
        Recipe("retention", "Undrawable", "lead", fill({})),
    ]
    panels = [serve(recipe) for recipe in recipes]
    html = page("night.html.j2", panels, FACTS)
    assert '<dd class="value">3</dd>' in html
    assert "Nothing to show: no gate ran: run the night" in html
    assert "Nothing to show: this panel could not be read: no such column</p>" in html
    assert "Nothing to show: this panel could not be drawn: " in html
    assert html.count("<section ") == 4


def test_everything_from_outside_is_escaped():
    tile = {"label": HOSTILE, "value": HOSTILE, "note": HOSTILE}
    panels = [
        serve(Recipe("glance", HOSTILE, HOSTILE, fill({"tiles": [tile]}), ((HOSTILE, HOSTILE),))),
        serve(Recipe("gates", "t", "l", fill(MissingError(HOSTILE)))),
    ]
    html = page("person.html.j2", panels, {**FACTS, "user_id": HOSTILE})
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 8


def test_a_page_asks_for_nothing_from_elsewhere():
    html = page("night.html.j2", [], FACTS)
    assert "default-src 'none'" in html
    for sign in ("http://", "https://", "src=", "@import", "url("):
        assert sign not in html
