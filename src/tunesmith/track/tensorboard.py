"""TensorBoard: event files, one folder a run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from tunesmith.track import Place

PACKAGE = "tensorboard"
"""What it is installed by; torch writes the files with it."""


class TensorBoard:
    """Scalars a step, and the recipe as text.

    Args:
        place: Where, and under which name.
    """

    def __init__(self, place: Place) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(place.folder / place.name))
        self.look = f"tensorboard --logdir {shlex.quote(str(place.folder))}"

    def parameters(self, values: Mapping[str, str]) -> None:
        """Write the recipe as a block of text: see ``Tracker``."""
        self._writer.add_text("recipe", "\n".join(f"    {name} = {value}" for name, value in values.items()))

    def figures(self, values: Mapping[str, float], step: int) -> None:
        """Write scalars: see ``Tracker``."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self, *, complete: bool) -> None:
        """Write the file out: see ``Tracker``."""
        del complete  # an event file does not say
        self._writer.close()


def build(place: Place) -> TensorBoard:
    """Open an event file.

    Args:
        place: Where, and under which name.

    Returns:
        The tracker.
    """
    return TensorBoard(place)
