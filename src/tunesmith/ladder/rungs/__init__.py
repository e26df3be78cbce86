"""Rungs: one file each, named after it; ``build(options)`` gives a ``Rung``.

``NEEDS`` of a member names the rungs whose landing it starts from, ``USES_BASE`` tells whether it needs the pretrained
encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tunesmith.config import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from tunesmith.ladder.landing import Landing
    from tunesmith.ladder.site import Ground, Site
    from tunesmith.types import JSON

RUNGS = Family("rung", __name__, __path__)


class Rung(Protocol):
    """One way to learn the labels, at its price."""

    name: str

    def forecast(self, ground: Ground) -> float:
        """Foresee the least seconds in which this rung can bring something.

        Args:
            ground: Rows, base model and rate.

        Returns:
            Seconds.
        """
        ...

    def whole(self, ground: Ground) -> float:
        """Foresee the seconds of this rung where nothing cuts it short.

        Args:
            ground: Rows, base model and rate; nothing need have landed.

        Returns:
            Seconds, neither pessimistic nor with what comes after.
        """
        ...

    def climb(self, site: Site) -> Landing:
        """Learn the labels from the train rows and score the validation rows.

        Args:
            site: The climb.

        Returns:
            The landing.
        """
        ...

    def finish(self, site: Site, landing: Landing) -> Landing:
        """Make the most of a rung that is kept: refit on all rows where its head is solved on stored features.

        Args:
            site: The climb.
            landing: As it landed.

        Returns:
            The landing to publish.
        """
        ...

    def pack(self, landing: Landing) -> tuple[Mapping[str, Tensor | NDArray[np.generic]], JSON]:
        """Turn a landing's model into tensors and JSON, so that a killed run need not climb again.

        Args:
            landing: As it landed.

        Returns:
            Tensors and JSON.
        """
        ...

    def unpack(self, site: Site, tensors: Mapping[str, Tensor], state: JSON) -> object:
        """Build the model back.

        Args:
            site: The climb.
            tensors: As packed.
            state: As packed.

        Returns:
            The model.
        """
        ...
