"""tunesmith: from a labelled file to the best model your machine can make in the time you have.

Importing it costs the standard library alone; the rest is loaded with the first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunesmith.api.model import Model, Prediction, load
    from tunesmith.api.training import train

__version__ = "0.1.0"

__all__ = ["Model", "Prediction", "__version__", "load", "train"]

_HOMES = {
    "Model": "tunesmith.api.model",
    "Prediction": "tunesmith.api.model",
    "load": "tunesmith.api.model",
    "train": "tunesmith.api.training",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tunesmith' has no attribute {name!r}")
