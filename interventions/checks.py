"""What pydantic cannot see in the catalogue: unknown values, bad wording, broken payloads, names that lead nowhere."""

from collections import Counter
from collections.abc import Iterator, Sequence

from interventions import wording
from interventions.entries import Catalogue, Condition, Entry, Guard, Intervention, Trigger, placeholders
from interventions.queue.payloads import payload_problems
from interventions.values import DATES, NUMBERS, TEXTS

PLAIN_FORMATS = frozenset({"decimal", "count", "per_hundred", "day", "slot"})
MEASURED = frozenset({"decimal", "per_hundred"})
_KIND = {"day": DATES, "slot": TEXTS}
NAME_ONE = "name a feature or a value of values.py"


def problems_of(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield (field, problem) of what one entry names and how it speaks."""
    if isinstance(entry, Trigger | Guard):
        yield from _unknown("conditions", entry.conditions)
    if isinstance(entry, Intervention):
        yield from _unknown(
            "contraindications", [condition for group in entry.contraindications for condition in group]
        )
        yield from _unknown("requires", entry.requires)
        for value in entry.payload_values:
            if value not in NUMBERS | TEXTS:
                yield "payload_values", f"unknown value {value}: {NAME_ONE}"
        numbers, texts_named = ([value for value in entry.payload_values if value in kind] for kind in (NUMBERS, TEXTS))
        for channel in entry.channels:
            for problem in payload_problems(channel, entry.fixed_payload, numbers, texts_named):
                yield "payload", problem
        for language, style, texts in entry.texts():
            for text in texts:
                field = f"messages.{language}.{style}"
                for value, form in placeholders(text):
                    if value not in _KIND.get(form, NUMBERS):
                        yield field, f"unknown placeholder {{{value}:{form}}}: {NAME_ONE}"
                for problem in wording.problems(text, language, gentle=not entry.pushes):
                    yield field, problem
                walking = wording.on_foot(text, language)
                if walking and "limited_walking" not in entry.contraindicated_with:
                    yield (
                        field,
                        f"the text asks to go on foot ({walking!r}): not for limited_walking, say so in contraindicated_with",
                    )


def _unknown(field: str, conditions: Sequence[Condition]) -> Iterator[tuple[str, str]]:
    for condition in conditions:
        if condition.value not in NUMBERS:
            yield field, f"unknown value {condition.value}: {NAME_ONE}"


def problems_between(known: Catalogue) -> Iterator[tuple[str, str]]:
    """Yield (place, problem) of what entries say about each other; a place starts with the entry's name."""
    if not known.interventions:
        yield "library", "there is no intervention: add a file with interventions"
    for names in (
        [f"triggers.yaml, {trigger.name}" for trigger in known.triggers],
        [guard.name for guard in known.guards] + [item.name for item in known.interventions],
    ):
        yield from (
            (name, "the name is given twice: rename one") for name, times in Counter(names).items() if times > 1
        )
    called = {name for item in known.interventions for name in item.triggers}
    triggers = {trigger.name for trigger in known.triggers}
    for name in sorted(triggers - called):
        yield f"triggers.yaml, {name}", "no intervention names this trigger: add one"
    for guard in known.guards:
        if guard.all_but is not None and guard.all_but not in triggers:
            yield f"{guard.name}, all_but", f"unknown trigger {guard.all_but}: name one of triggers.yaml"
    for value, support in known.support.items():
        for name in sorted({value, support.count} - NUMBERS):
            yield f"support, {value}", f"unknown value {name}: {NAME_ONE}"
    for item in known.interventions:
        yield from _problems_with(item, known, triggers)


def _problems_with(item: Intervention, known: Catalogue, triggers: set[str]) -> Iterator[tuple[str, str]]:
    unknown = sorted(set(item.triggers) - triggers)
    if unknown:
        yield f"{item.name}, triggers", f"unknown triggers {unknown}: name those of triggers.yaml"
    for language, style, texts in item.texts():
        field = f"{item.name}, messages.{language}.{style}"
        named = [pair for text in texts for pair in placeholders(text)]
        wrong = sorted({form for _, form in named} - PLAIN_FORMATS - set(known.units.get(language, {})))
        if wrong:
            yield field, f"unknown formats {wrong}: add a unit"
        thin = sorted({value for value, form in named if form in MEASURED} - set(known.support))
        if thin:
            yield field, f"no support is declared for {thin}: say in rules.yaml how much evidence they need"
