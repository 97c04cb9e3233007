"""What a night decided for people, in a few lines: messages, goals, plans, onboarding."""

from datetime import date

from habitlake.cli.lake import open_lake
from habitlake.settings import Settings

# Of each: what it is, how many people, and what is said of them; ? is the night.
PEOPLE = {
    "messages": (
        "SELECT count(*) FILTER (send), 'of ' || count(*) || ' people' FROM gold.decisions"
        " WHERE batch_date = ? AND horizon = 0"
    ),
    "without a message": (
        "SELECT sum(people), string_agg(why || ' ' || people, ', ' ORDER BY people DESC, why) FROM ("
        " SELECT replace(coalesce(unavailable_reasons[1], 'silence drawn'), '_', ' ') AS why, count(*) AS people"
        "  FROM gold.decisions WHERE batch_date = ? AND NOT send AND horizon = 0"
        "  GROUP BY why)"
    ),
    "goals": (
        "SELECT max(people), string_agg(said, ', ' ORDER BY said) FROM ("
        " SELECT count(*) AS people, replace(kind, '_', ' ') || ' ' || round(median(recommended_goal), 1)::VARCHAR"
        "  || ' (median)' AS said FROM gold.goals WHERE batch_date = ? GROUP BY kind)"
    ),
    "plans due": (
        "SELECT count(*), 'sessions ' || round(median(sessions) FILTER (sessions > 0), 1)::VARCHAR || ', minutes a session '"
        " || round(median(session_minutes) FILTER (sessions > 0), 0)::INT::VARCHAR || ' (medians)'"
        " || ', a week of rest ' || count(*) FILTER (sessions = 0) FROM gold.workout_plans WHERE batch_date = ?"
    ),
    "onboarding": (
        "SELECT sum(people), string_agg(replace(stage, '_', ' ') || ' ' || people, ', ' ORDER BY stage) || ', steps due ' || sum(due) FROM ("
        " SELECT stage, count(*) AS people, count(*) FILTER (due) AS due FROM gold.onboarding"
        "  WHERE batch_date = ? AND status = 'active' GROUP BY stage)"
    ),
}


def decided(settings: Settings, night: date) -> list[tuple[str, int, str | None]]:
    """Return rows of what was decided, for how many people, and what is to be said of it, for the first date after a night."""
    connection = open_lake(settings, mentioned_in=" ".join(PEOPLE.values()))
    found: list[tuple[str, int, str | None]] = []
    for what, sql in PEOPLE.items():
        people, said = connection.execute(sql, [night]).fetchone() or (0, None)
        found.append((what, int(people or 0), said))
    return found
