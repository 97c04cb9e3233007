"""The pages in a real browser: what they say, and that nothing is broken, fetched, cut off or on top of anything."""

import itertools

import pytest

from tests import browser
from tests.integration.report.rows import HERO, HOSTILE

pytestmark = pytest.mark.skipif(browser.find() is None, reason="Chromium is not installed; scripts/setup.sh --tests")
TEXTS = {
    "night": (
        "Night of Tue 31 Mar 2026",
        "1,000 lines = 980 accepted + 5 duplicate + 15 refused: every line is accounted for",
        "failed at check_silver",
        "equipment known " + HOSTILE,
        "target missed 1, not measurable 1",
        "70.0 %",
        "21 active on the day",
        "Automatic by day 66: 50 % of 26 people",
        "70 % of 1,120 attempts",
        "lift 3.5",
        "already reached as often as a week allows",
        "22 %",
    ),
    "person": (
        HERO,
        "28 of 51 days with a session",
        "Forming: strength 0.49",
        "mornings 81 % of 27, evenings 38 % of 13 " + HOSTILE,
        "fridays 38 % of 13",
        "81 % of 27 74 % 60 to 90 %",
        "Weekly target: 3 sessions",
        "raises it",
        "weekly sessions 4 3.5 62 % moderate",
        "delivered, opened, acted on, rated 4 stars",
        "You had 3 sessions in the week. " + HOSTILE,
        "stress relief",
    ),
    "empty": ("Nothing to show: no gate has checked night 2026-03-31 yet", "Nothing to show: no habit state is stored"),
}


@pytest.fixture(scope="module")
def chromium():
    with browser.Browser() as running:
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", TEXTS)
def test_a_page_is_whole_at_every_width_and_in_both_schemes(chromium, pages, name, width, scheme):
    chromium.open(pages[name].as_uri(), width=width, scheme=scheme)
    chromium.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    assert chromium.check() == []
    assert chromium.errors() == []
    assert [url for url in chromium.requests() if not url.startswith("data:")] == [pages[name].as_uri()]
    background = chromium.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 23, 28)"}[scheme]


@pytest.mark.parametrize("name", TEXTS)
def test_a_page_says_what_it_should(chromium, pages, name):
    chromium.open(pages[name].as_uri())
    chromium.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    text = " ".join(chromium.evaluate("document.body.innerText").split())
    assert [part for part in TEXTS[name] if " ".join(part.split()) not in text] == []
    assert "habitlake" in chromium.evaluate("document.title")
    assert chromium.evaluate("document.scripts.length + document.images.length") == 0


@pytest.mark.parametrize("name", TEXTS)
def test_a_page_can_be_read_without_seeing_it(chromium, pages, name):
    chromium.open(pages[name].as_uri())
    count = {
        "pictures without words": "svg:not([role=img][aria-label])",
        "heads without scope": "th:not([scope])",
        "sections without a heading": "section:not(:has(h2))",
        "links to nowhere": "nav a",
    }
    for problem, selector in count.items():
        if problem == "links to nowhere":
            broken = (
                f"[...document.querySelectorAll('{selector}')].filter((a) => !document.querySelector(a.hash)).length"
            )
        else:
            broken = f"document.querySelectorAll('{selector}').length"
        assert chromium.evaluate(broken) == 0, problem
    # h1, then h2, then h3: no level is skipped.
    levels = chromium.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((node) => +node.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        ("position: absolute; left: 1270px; width: 300px", "sticks out"),
        ("position: absolute; left: 24px; top: 40px", "overlaps"),
    ],
)
def test_the_checker_sees_what_is_broken(chromium, pages, broken, found):
    chromium.open(pages["night"].as_uri())
    assert chromium.check() == []
    chromium.evaluate(
        f"document.body.insertAdjacentHTML('beforeend', '<p>stray words</p>'); document.body.lastChild.style = '{broken}'"
    )
    assert any(found in problem for problem in chromium.check())


def test_the_page_itself_forbids_scripts_and_requests(chromium, pages):
    chromium.open(pages["night"].as_uri())
    chromium.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"http://127.0.0.1:9/x.png\" onerror=\"document.title=1\">')"
    )
    chromium.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert any("Content Security Policy" in error for error in chromium.errors())
    assert chromium.evaluate("document.title") != "1"
