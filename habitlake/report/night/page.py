"""The page of a night."""

from datetime import date

from habitlake.report.night.decisions import ANSWERS, DECISIONS
from habitlake.report.night.effects import EFFECTS
from habitlake.report.night.growth import ACTIVITY, GOAL_PANEL, RETENTION
from habitlake.report.night.kpis import KPIS
from habitlake.report.night.model import CALIBRATION, IN_FORCE
from habitlake.report.night.people import CONTEXTS, HABIT
from habitlake.report.night.pipeline import GATES, GLANCE, PIPELINE
from habitlake.report.night.plans import ONBOARDING, PLANS
from habitlake.report.panels import Panel, serve
from habitlake.report.render import page
from habitlake.report.stores import Stores

RECIPES = (
    GLANCE,
    PIPELINE,
    GATES,
    KPIS,
    ACTIVITY,
    RETENTION,
    HABIT,
    CONTEXTS,
    GOAL_PANEL,
    IN_FORCE,
    CALIBRATION,
    DECISIONS,
    ANSWERS,
    EFFECTS,
    PLANS,
    ONBOARDING,
)


def night_page(stores: Stores, night: date) -> tuple[str, list[Panel]]:
    """Return the HTML of a night, and its panels."""
    panels = [serve(recipe, stores, night) for recipe in RECIPES]
    return page("night.html.j2", panels, {"night": night}), panels
