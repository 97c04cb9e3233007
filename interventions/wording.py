"""How the app may speak: no shame, no medical claims, no pressure on who needs rest, short and easy to read.

Reading ease is Flesch's for English (206.835 - 1.015 words per sentence - 84.6 syllables per word, 1948) and Amstad's
for German (180 - words per sentence - 58.5 syllables per word, 1978); both run to about 100, more is easier, and 60 is
plain language. A message has one to three sentences, so one long word moves it far: every text must reach ``LEAST_EASE``,
a little below plain.
"""

import re
from collections.abc import Iterator

from interventions.entries import Language

MAX_LENGTH = 240
LEAST_EASE = 50.0

# Beginnings of words; a blank at the end means the whole word.
SHAME = {
    "en": "lazy, lazi, excuse, fail, disappoint, asham, shame, guilt, pathetic, weak , weakness, loser, let down, "
    "gave up, give up, should have, you should, bad at, too fat, worthless, no willpower, fault, blame, regret",
    "de": "faul , faule, faulheit, faulpelz, ausrede, versag, enttäusch, schäm, scham , schuld, schwächling, schwach , gescheitert, aufgeben, "
    "aufgegeben, hättest, solltest, zu dick, wertlos, willensschwach, blamier, verlierer, peinlich, bereu",
}  # fmt: skip
MEDICAL = {
    "en": "cure, heal , heals, healing, treat , treats, treatment, therap, diagnos, medic, disease, illness, disorder, "
    "depress, burnout, burnt out, anxiety, clinical, symptom, prevents, proven, guarantee, overtrain, insomnia",
    "de": "heil , heilt, heilen, heilung, therap, diagnos, medizin, medikament, krankheit, depress, burnout, burn-out, "
    "ausgebrannt, angststör, klinisch, symptom, beugt vor, vorbeug, bewiesen, erwiesen, garantier, übertraining, "
    "schlafstörung, behandel, behandlung",
}  # fmt: skip
ORDERS = {
    "en": "you must, you have to, no matter what, never miss, last chance, hurry, don't you dare",
    "de": "du musst, du sollst, egal was, niemals verpassen, letzte chance, beeil, gefälligst, wehe",
}
PRESSURE = {
    "en": "push , pushing, harder, faster, more weight, all out, go further, keep going, don't stop, don't quit, "
    "no days off, extra session, make up for, catch up, double ",
    "de": "härter, schneller, mehr gewicht, vollgas, gib alles, weiter so, nicht aufhören, durchhalten, durchziehen, "
    "zusätzliche einheit, extra-einheit, nachholen, aufholen, doppelt",
}  # fmt: skip
# What asks to go on foot: nothing of it is for who states limited walking.
ON_FOOT = {
    "en": "walk, stroll, jog , jogging, around the block, shoes miss",
    "de": "spazier, um den block, gassi, joggen, schuhe fragen",
}
PLACEHOLDER = re.compile(r"\{[^}]*\}")
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
SENTENCE_END = re.compile(r"[.?!:]+(?:\s|$)")
_GERMAN_VOWELS = re.compile(r"ei|ai|au|eu|äu|ie|ee|aa|oo|[aeiouyäöü]")
_ENGLISH_VOWELS = re.compile(r"[aeiouy]+")


def _words_of(listed: str) -> re.Pattern[str]:
    parts = [part.lstrip() for part in listed.split(",")]
    return re.compile(
        "|".join(rf"\b{re.escape(part.strip())}{chr(92) + 'b' if part[-1] == ' ' else ''}" for part in parts)
    )


_FORBIDDEN = {
    language: {
        "shames": _words_of(SHAME[language]),
        "makes a medical claim": _words_of(MEDICAL[language]),
        "orders about": _words_of(ORDERS[language]),
    }
    for language in ("en", "de")
}
_ON_FOOT = {language: _words_of(ON_FOOT[language]) for language in ("en", "de")}
_PRESSURE = {language: _words_of(PRESSURE[language]) for language in ("en", "de")}


def syllables(word: str, language: Language) -> int:
    """Count the syllables of a word by its groups of vowels; a number counts two."""
    word = word.lower()
    if word[0].isdigit():
        return 2
    if language == "de":
        return max(1, len(_GERMAN_VOWELS.findall(word)))
    count = len(_ENGLISH_VOWELS.findall(word))
    silent = word.endswith("e") and not word.endswith(("le", "ee", "ye"))
    silent = silent or (word.endswith("ed") and not word.endswith(("ted", "ded")))
    return max(1, count - silent)


def reading_ease(text: str, language: Language) -> float:
    """Return how easy a text is to read: Flesch's formula for English, Amstad's for German."""
    words = WORD.findall(text)
    sentences = max(1, len(SENTENCE_END.findall(text)))
    per_sentence = len(words) / sentences
    per_word = sum(syllables(word, language) for word in words) / len(words)
    if language == "de":
        return 180 - per_sentence - 58.5 * per_word
    return 206.835 - 1.015 * per_sentence - 84.6 * per_word


def on_foot(text: str, language: Language) -> str | None:
    """Return the words of a text that ask to go on foot; None without any."""
    found = _ON_FOOT[language].search(text.lower())
    return found[0] if found else None


def problems(text: str, language: Language, *, gentle: bool) -> Iterator[str]:
    """Yield what is wrong with a text, filled or with its placeholders; each says what to do.

    Parameters
    ----------
    gentle
        Whether people who need rest may read it, so that it must not press either.
    """
    filled = PLACEHOLDER.sub("12", text)
    lowered = filled.lower()
    forbidden = _FORBIDDEN[language] | ({"presses people who need rest": _PRESSURE[language]} if gentle else {})
    for what, pattern in forbidden.items():
        found = pattern.search(lowered)
        if found:
            yield f"the text {what} ({found[0]!r}): say it another way: {text!r}"
    if len(filled) > MAX_LENGTH:
        yield f"the text is longer than {MAX_LENGTH} characters: shorten {text!r}"
    if not WORD.search(filled):
        yield "the text has no word"
    elif reading_ease(filled, language) < LEAST_EASE:
        yield f"the text is hard to read ({reading_ease(filled, language):.0f}): shorter words, please: {text!r}"
