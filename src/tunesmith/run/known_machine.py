"""What was found out about this machine, kept for the next run: a probe of a fifth of a second, made once."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files.atomic import write_json
from tunesmith.files.reading import read_json
from tunesmith.machine.describe import cpu_model
from tunesmith.machine.rates import bf16_speed
from tunesmith.types import JSON

_FILE = "machine.json"


def cache_folder() -> Path:
    """Name the folder for what can be found out again at any time.

    Returns:
        ``tunesmith`` below ``XDG_CACHE_HOME``, or below ``.cache`` at home.
    """
    named = os.environ.get("XDG_CACHE_HOME")
    return (Path(named) if named else Path.home() / ".cache") / "tunesmith"


def known_bf16_speed() -> float:
    """Tell how much faster this processor multiplies numbers of bfloat16 than of float32.

    Returns:
        As it was measured once with this version of torch; where nothing can be kept, each time anew.
    """
    key = f"{cpu_model()}, torch {metadata.version('torch')}"
    path = cache_folder() / _FILE
    kept = _kept(path)
    if kept.get("machine") == key and isinstance(kept.get("bf16_speed"), float):
        return float(kept["bf16_speed"])
    speed = round(bf16_speed(), 3)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"machine": key, "bf16_speed": speed})
    except (OSError, TunesmithError):
        pass  # a home that cannot be written to costs the next run a moment
    return speed


def _kept(path: Path) -> dict[str, JSON]:
    """Read what an earlier run kept; what is missing or damaged is found out again."""
    try:
        found = read_json(path) if path.is_file() else None
    except (OSError, TunesmithError):
        return {}
    return found if isinstance(found, dict) else {}
