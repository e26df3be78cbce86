"""tunesmith: from a labelled file to the best model your machine can make in the time you have.

Importing it costs the standard library alone; the rest is loaded with the first use.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunesmith.api.compare import compare
    from tunesmith.api.estimator import TextClassifier, TextRegressor
    from tunesmith.api.model import Model, Prediction, Proposal, load
    from tunesmith.api.peft_base import merge_peft
    from tunesmith.api.plot import plot
    from tunesmith.api.training import train

__version__ = "0.1.0"

__all__ = [
    "Model",
    "Prediction",
    "Proposal",
    "TextClassifier",
    "TextRegressor",
    "__version__",
    "compare",
    "load",
    "merge_peft",
    "plot",
    "train",
]

_HOMES = {
    "Model": "tunesmith.api.model",
    "Prediction": "tunesmith.api.model",
    "Proposal": "tunesmith.api.model",
    "TextClassifier": "tunesmith.api.estimator",
    "TextRegressor": "tunesmith.api.estimator",
    "compare": "tunesmith.api.compare",
    "load": "tunesmith.api.model",
    "merge_peft": "tunesmith.api.peft_base",
    "plot": "tunesmith.api.plot",
    "train": "tunesmith.api.training",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tunesmith' has no attribute {name!r}")


class _Package(ModuleType):
    """This package, in which ``train`` stays the function: a subpackage, once imported, takes the place of its name."""

    @property
    def train(self) -> Any:
        return self.__dict__.get("train") or __getattr__("train")

    @train.setter
    def train(self, value: Any) -> None:
        if not isinstance(value, ModuleType):  # a test puts its own
            self.__dict__["train"] = value

    @train.deleter
    def train(self) -> None:
        del self.__dict__["train"]


sys.modules[__name__].__class__ = _Package
