"""Real exports into landing: one file per adapter, or a mapping file and no code at all."""

from pathlib import Path

from habitlake.adapters import fitbit, heartsteps, lifesnaps
from habitlake.adapters.base import Adapter, ImportSummary, Landing
from habitlake.adapters.mapping import load_mapping, read_mapped
from habitlake.errors import PermanentError
from habitlake.settings import Settings

ADAPTERS: dict[str, Adapter] = {"fitbit": fitbit.read, "heartsteps": heartsteps.read, "lifesnaps": lifesnaps.read}


def run(name: str, path: Path, settings: Settings) -> ImportSummary:
    """Bring an export into landing.

    Parameters
    ----------
    name
        An adapter, or the path of a mapping file (.yaml).
    path
        Folder or file of the export.

    Raises
    ------
    PermanentError
        If there is no such adapter or the export lacks files.
    """
    if not path.exists():
        msg = f"there is no {path}; give the folder or file of the export"
        raise PermanentError(msg)
    if name.endswith((".yaml", ".yml")):
        mapping = load_mapping(Path(name))
        landing = Landing(mapping.name)
        read_mapped(mapping, path, landing)
    elif name in ADAPTERS:
        landing = Landing(name)
        ADAPTERS[name](path, landing)
    else:
        msg = f"no adapter {name!r}; there are {', '.join(ADAPTERS)}, or give a mapping file (.yaml)"
        raise PermanentError(msg)
    return landing.write(settings)


__all__ = ["ADAPTERS", "ImportSummary", "run"]
