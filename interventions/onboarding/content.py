"""What the app shows of onboarding: the path as JSON, and the text of the next step, in the person's language."""

import json
from typing import Any

import polars as pl

from interventions.entries import LANGUAGES, Language
from interventions.messages import language_of
from interventions.onboarding.stages import Onboarding, Segment

SCHEMA_VERSION = 1


def path(machine: Onboarding, segment: Segment, done: set[str], language: Language) -> dict[str, Any]:
    """Return the path of a segment: its stages in order, their steps, and which of them are done."""
    steps = machine.path(segment)
    return {
        "schema_version": SCHEMA_VERSION,
        "segment": segment.name,
        "welcome": getattr(segment.welcome, language),
        "stages": [
            {
                "stage": stage.name,
                "days": round(stage.days * segment.pace) or 1,
                "steps": [
                    {
                        "step": item.step.name,
                        "day": item.day,
                        "title": getattr(item.step.title, language),
                        "done": item.step.name in done,
                    }
                    for item in steps
                    if item.stage == number
                ],
            }
            for number, stage in enumerate(machine.stages)
        ],
    }


def with_content(people: pl.DataFrame, machine: Onboarding) -> pl.DataFrame:
    """Add ``path`` and ``message`` (the next step's text; null without one); each path is written once."""
    people = people.with_columns(_language=language_of())
    segments = {segment.name: segment for segment in machine.segments}
    paths = people.select("segment", "completed_steps", "_language").unique(maintain_order=True)
    written = [
        json.dumps(path(machine, segments[segment], set(done), language), ensure_ascii=False)
        for segment, done, language in paths.iter_rows()
    ]
    texts = pl.DataFrame(
        [
            {"next_step": step.name, "_language": language, "message": getattr(step.text, language)}
            for stage in machine.stages
            for step in stage.steps
            for language in LANGUAGES
        ]
    )
    # Lists are no keys of a join.
    key = pl.concat_str("segment", pl.col("completed_steps").list.join(","), "_language", separator="|")
    by_key = paths.select(key.alias("_key")).with_columns(path=pl.Series(written, dtype=pl.String))
    return (
        people.with_columns(_key=key)
        .join(by_key, on="_key", how="left", maintain_order="left")
        .join(texts, on=["next_step", "_language"], how="left", maintain_order="left")
        .drop("_key", "_language")
    )
