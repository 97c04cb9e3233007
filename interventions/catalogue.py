"""Triggers and interventions as reviewed data: ``triggers.yaml`` and ``library/``, checked when they are read.

    python -m interventions.catalogue           # check, and count what is there
    python -m interventions.catalogue schema    # print the JSON Schema of a file of the library

``Catalogue.version`` is a hash of every file, so a decision names exactly the texts and thresholds it came from.
"""

import json
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from habitlake.contracts.schema import json_schema
from habitlake.errors import PERMANENT_EXIT_CODE, PermanentError
from interventions.checks import problems_between, problems_of
from interventions.entries import Catalogue, Guard, Intervention, LibraryFile, Trigger
from interventions.reviewed import first_error, parsed, version_of

FOLDER = Path(__file__).parent
SCHEMA_FILE = FOLDER / "library" / "library.schema.json"
Made = TypeVar("Made")
_LISTS: dict[str, type[Trigger | Intervention | Guard]] = {
    "triggers": Trigger,
    "interventions": Intervention,
    "guards": Guard,
}


def _refused(*place_and_problem: str) -> PermanentError:
    *place, problem = place_and_problem
    msg = f"{', '.join(place)}: {problem}; correct the file, nothing was decided with it"
    return PermanentError(" ".join(msg.split()))


def _first(error: ValidationError) -> tuple[str, str]:
    """Return field and message of the first error, as a refusal tells them."""
    place, message = first_error(error)
    return place or "entry", message.removeprefix("Value error, ")


def _content(file: Path, raw: bytes) -> dict[str, Any]:
    try:
        content = parsed(raw)
    except yaml.YAMLError as error:
        raise _refused(file.name, f"not YAML: {error}") from error
    allowed = {"triggers"} if file.name == "triggers.yaml" else set(LibraryFile.model_fields)
    if not isinstance(content, dict) or not set(content) <= allowed:
        raise _refused(file.name, f"must be a mapping with {', '.join(sorted(allowed))} alone")
    return content


def _read(file: Path, raw: bytes) -> dict[str, Any]:
    """Return a file's sections, every entry checked on its own so that an error can name it."""
    content = _content(file, raw)
    for section, model in _LISTS.items():
        entries = []
        for number, entry in enumerate(content.get(section) or [], start=1):
            name = entry.get("name", f"number {number}") if isinstance(entry, dict) else f"number {number}"
            place = f"{file.name}, {name}"
            try:
                read = model.model_validate(entry)
            except ValidationError as error:
                raise _refused(place, *_first(error)) from error
            for field, problem in problems_of(read):
                raise _refused(place, field, problem)
            entries.append(read)
        content[section] = tuple(entries)
    return content


def load_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Read and check ``triggers.yaml`` and every file of ``library/``, in the order of their names.

    Raises
    ------
    PermanentError
        If a file is not as it should be; one line names file, entry and field and says what to do.
    """
    contents: dict[str, Any] = {
        "triggers": (),
        "interventions": (),
        "guards": (),
        "caps": {},
        "support": {},
        "units": {},
    }
    read: list[bytes] = []
    home: dict[str, str] = {}
    for file in (folder / "triggers.yaml", *sorted((folder / "library").glob("*.yaml"))):
        read.append(file.read_bytes())
        content = _read(file, read[-1])
        home |= {entry.name: file.name for section in ("guards", "interventions") for entry in content[section]}
        for section, found in content.items():
            contents[section] = contents[section] | found if isinstance(found, dict) else contents[section] + found
    try:
        known = Catalogue(version=version_of(read), **contents)
    except ValidationError as error:
        raise _refused(str(folder), *_first(error)) from error
    for place, problem in problems_between(known):
        file_name = home.get(place.partition(",")[0])
        raise _refused(*([file_name] if file_name else []), place, problem)
    return known


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Return the catalogue that ships with the code."""
    return load_catalogue()


def per_catalogue(make: Callable[[Catalogue], Made]) -> Callable[[Catalogue], Made]:
    """Let a function of a catalogue work once: what it made of the last one is kept."""
    kept: list[tuple[Catalogue, Made]] = []

    @wraps(make)
    def made(known: Catalogue) -> Made:
        if not kept or kept[0][0] is not known:
            kept[:] = [(known, make(known))]
        return kept[0][1]

    return made


def library_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a file of the library."""
    return json_schema(LibraryFile)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    if list(sys.argv[1:] if argv is None else argv) == ["schema"]:
        sys.stdout.write(json.dumps(library_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n")
        return 0
    try:
        known = load_catalogue()
    except PermanentError as error:
        sys.stderr.write(f"error: {error}\n")
        return PERMANENT_EXIT_CODE
    texts = sum(len(texts) for item in known.interventions for _, _, texts in item.texts())
    sys.stdout.write(
        f"catalogue {known.version}: {len(known.active_triggers)} of {len(known.triggers)} triggers awake,"
        f" {len(known.interventions)} interventions, {texts} texts\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
