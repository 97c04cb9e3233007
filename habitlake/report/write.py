"""Pages as files: where each lies, and writing it whole or not at all."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from habitlake.errors import PermanentError
from habitlake.report.panels import Panel
from habitlake.report.stores import Stores, check_night
from habitlake.settings import Settings

PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Written:
    """A page that was written, with the line of each panel that has nothing to show (None: it is filled)."""

    path: Path
    night: date
    panels: dict[str, str | None]

    def as_dict(self) -> dict[str, object]:
        """Return the answer for scripts."""
        return {
            "path": str(self.path),
            "night": self.night,
            "panels": {key: missing or "filled" for key, missing in self.panels.items()},
        }


def report_folder(settings: Settings) -> Path:
    """Return the folder of the pages: nights in it, people in a folder of their own that is not served."""
    return settings.home / "report"


def night_file(night: date) -> str:
    """Return the name of a night's page."""
    return f"night-{night}.html"


def person_file(user_id: str) -> str:
    """Return the name of a person's page: a hash, since an identifier may hold anything and file names are seen."""
    return f"{hashlib.sha256(user_id.encode()).hexdigest()[:24]}.html"


def write_night(settings: Settings, night: date | None = None, out: Path | None = None) -> Written:
    """Write the page of a night, by default the newest that ended well.

    Raises
    ------
    PermanentError
        If the night was never run.
    """
    from habitlake.report.night.page import night_page

    stores = Stores(settings)
    night = check_night(stores, night)
    html, panels = night_page(stores, night)
    return _written(out, report_folder(settings), night_file(night), html, night, panels)


def write_person(settings: Settings, user_id: str, night: date | None = None, out: Path | None = None) -> Written:
    """Write the page of one person as known at the end of a night; its owner alone may read the file.

    Raises
    ------
    PermanentError
        If the night was never run, or the person is not known in it.
    """
    from habitlake.report.person.page import person_page

    stores = Stores(settings)
    night = check_night(stores, night)
    html, panels = person_page(stores, user_id, night)
    folder = report_folder(settings) / PEOPLE
    return _written(out, folder, person_file(user_id), html, night, panels, private=True)


def _written(
    out: Path | None,
    folder: Path,
    name: str,
    html: str,
    night: date,
    panels: Sequence[Panel],
    *,
    private: bool = False,
) -> Written:
    if out is None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if private:
            folder.chmod(0o700)
    else:
        path = out / name if out.is_dir() else out
        if not path.parent.is_dir():
            msg = f"--out {out}: there is no folder {path.parent}; make it first"
            raise PermanentError(msg)
    write_whole(path, html, 0o600 if private else 0o644)
    return Written(path.resolve(), night, {panel.key: panel.missing for panel in panels})


def write_whole(path: Path, text: str, mode: int) -> None:
    """Replace a file in one step, so that a reader never sees half of it."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
