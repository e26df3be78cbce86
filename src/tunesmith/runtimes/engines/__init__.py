"""Engines: what runs an encoder that was made for running alone, from tokens to one vector a text.

A member has ``NEEDS``, the packages that it is run by; ``PRODUCTS``, what it can multiply; ``IS_TRIED``, whether it is
among those from which the fastest is chosen, or asked for by its name alone; and
``open_engine(classifier, reads_types=…, products=…)``, which gives an ``Engine``. All of them run the same weights and
give the same vectors, but for roundings: texts of several windows, pairs and heads are no concern of theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from tunesmith.config import Family
from tunesmith.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunesmith.data.tokenize import TokenSet

ENGINES = Family("runtime", __name__, __path__)


class Engine(Protocol):
    """Runs an encoder and its pooling."""

    def __call__(
        self,
        tokens: TokenSet,
        *,
        progress: Callable[[int, int], None] | None = None,
        most_padding: float | None = None,
    ) -> NDArray[np.float32]:
        """Encode every text.

        Args:
            tokens: The rows.
            progress: Told tokens done and tokens in all, after each pass.
            most_padding: Share of a pass that may be padding, where the engine pads at all; None for little.

        Returns:
            float32 ``[texts, H]``, the two of a pair as neighbours; a text of several windows has their average.
        """
        ...


def missing_packages(name: str) -> tuple[str, ...]:
    """Name the packages of an engine that are not installed.

    Args:
        name: The engine.

    Returns:
        As they are imported; none where it can run here.

    Raises:
        ConfigError: There is no such engine.
    """
    return tuple(package for package in ENGINES.member(name).NEEDS if find_spec(package) is None)


def refuse_missing(name: str, *, where: str | None = None) -> None:
    """Make sure that an engine can run here.

    Args:
        name: The engine.
        where: The model that asks for it, for the message.

    Raises:
        ConfigError: ``package-missing``; or there is no such engine.
    """
    missing = missing_packages(name)
    if missing:
        raise ConfigError(
            "package-missing",
            f"the runtime {name} needs packages that are not installed",
            where=where,
            found=f"missing: {', '.join(missing)}",
            allowed=", ".join(ENGINES.member(name).NEEDS),
            advice="pip install 'tunesmith[export]'; or compress again with --set technique.int8.runtime=flat",
        )
