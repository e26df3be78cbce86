"""Weights and Biases, offline: a folder a run, sent nowhere until its owner asks for that with ``wandb sync``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from tunesmith.track import Place
from tunesmith.track._environment import environment

PACKAGE = "wandb"
"""What it is installed by."""

_SAYS_NOTHING_OF_ITS_OWN = {
    "mode": "offline",
    "console": "off",
    "silent": True,
    "disable_git": True,
    "save_code": False,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
"""Nothing of the machine, the program or the repository it runs in; and no question to a terminal."""


class Wandb:
    """Figures by the step of their part.

    Args:
        place: Where, and under which names.
    """

    def __init__(self, place: Place) -> None:
        place.folder.mkdir(parents=True, exist_ok=True)
        with environment(WANDB_ERROR_REPORTING="false"):
            import wandb

            known = set(wandb.Settings.model_fields)
            settings = wandb.Settings(**{k: v for k, v in _SAYS_NOTHING_OF_ITS_OWN.items() if k in known})
            self._run: Any = wandb.init(
                project=place.project, name=place.name, dir=str(place.folder), settings=settings, reinit="create_new"
            )
        self._parts: set[str] = set()
        self.look = f"wandb sync {shlex.quote(str(place.folder / 'wandb' / 'offline-run-'))}*"

    def parameters(self, values: Mapping[str, str]) -> None:
        """Write the recipe as the run's configuration: see ``Tracker``."""
        self._run.config.update(dict(values))

    def figures(self, values: Mapping[str, float], step: int) -> None:
        """Write figures beside the step of their part: see ``Tracker``."""
        part = next(iter(values)).rpartition("/")[0]
        if part not in self._parts:  # each part counts its own steps, which wandb's one count could not go back for
            self._parts.add(part)
            self._run.define_metric(f"{part}/step")
            self._run.define_metric(f"{part}/*", step_metric=f"{part}/step")
        self._run.log({**values, f"{part}/step": step})

    def close(self, *, complete: bool) -> None:
        """End the run: see ``Tracker``."""
        self._run.finish(exit_code=0 if complete else 1)


def build(place: Place) -> Wandb:
    """Begin an offline run.

    Args:
        place: Where, and under which names.

    Returns:
        The tracker.
    """
    return Wandb(place)
