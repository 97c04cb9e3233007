"""The page of one person."""

from datetime import date

from habitlake.report.panels import Panel, serve
from habitlake.report.person.assessment import ASSESSMENT
from habitlake.report.person.decisions import DECISIONS
from habitlake.report.person.facts import DAYS, WHO, snapshot
from habitlake.report.person.goals import GOAL_PANEL
from habitlake.report.person.insight import CONTEXTS, HABIT, PREDICTIONS
from habitlake.report.person.plans import ONBOARDING, PLAN
from habitlake.report.render import page
from habitlake.report.stores import Stores

RECIPES = (WHO, DAYS, HABIT, CONTEXTS, GOAL_PANEL, PLAN, ONBOARDING, ASSESSMENT, PREDICTIONS, DECISIONS)


def person_page(stores: Stores, user_id: str, night: date) -> tuple[str, list[Panel]]:
    """Return the HTML of a person as known at the end of a night, and its panels.

    Raises
    ------
    PermanentError
        If the person is not known then.
    """
    features = snapshot(stores, user_id, night)
    panels = [serve(recipe, stores, user_id, night, features) for recipe in RECIPES]
    return page("person.html.j2", panels, {"night": night, "user_id": user_id}), panels
