"""What is compared: options of ``finetune`` that differ from the default in one choice each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT = "default"


@dataclass(frozen=True)
class Choice:
    """One way to train."""

    name: str
    family: str
    """Which table row it stands in the group of."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Options of ``rung.finetune`` that differ from the default."""
    passes: float = 1.0
    """Share of the default's passes over the rows."""
    is_dropped: bool = False
    """Measured while it was an option, and one no more: it did not earn its place."""

    @property
    def told(self) -> str:
        """The changes as a recipe has them."""
        parts = [f"`{key} = {_toml(value)}`" for key, value in self.changes.items()]
        passes = [] if self.passes == 1.0 else [f"{self.passes:g} × `epochs`"]
        return ", ".join([*parts, *passes]) + (" †" if self.is_dropped else "")


CHOICES: tuple[Choice, ...] = (
    Choice(DEFAULT, "default"),
    Choice("layer_decay_1", "rates", {"layer_decay": 1.0}),
    Choice("constant", "schedule", {"schedule": "constant"}),
    Choice("cosine", "schedule", {"schedule": "cosine"}),
    Choice("adam", "optimiser", {"optimiser": "adam"}),
    Choice("sgd", "optimiser", {"optimiser": "sgd"}),
    Choice("adagrad", "optimiser", {"optimiser": "adagrad"}),
    Choice("adadelta", "optimiser", {"optimiser": "adadelta"}),
    Choice("schedule_free", "optimiser", {"optimiser": "schedule_free"}),
    Choice("schedule_free_fast", "optimiser", {"optimiser": "schedule_free", "learning_rate": 6e-4}),
    Choice("ema_99", "averaging", {"ema_decay": 0.99}),
    Choice("ema_constant", "averaging", {"ema_decay": 0.99, "schedule": "constant"}),
    Choice("r_drop", "regularisation", {"r_drop": 1.0}, is_dropped=True),
    Choice("r_drop_same_seconds", "regularisation", {"r_drop": 1.0}, passes=0.5, is_dropped=True),
    Choice("dropout_0", "regularisation", {"dropout": 0.0}),
    Choice("dropout_20", "regularisation", {"dropout": 0.2}),
    Choice("weight_decay_0", "regularisation", {"weight_decay": 0.0}),
    Choice("weight_decay_10", "regularisation", {"weight_decay": 0.1}),
    Choice("label_smoothing", "loss", {"loss": "label_smoothing"}),
    Choice("focal", "loss", {"loss": "focal"}),
    Choice("square", "loss", {"loss": "square"}, is_dropped=True),
    Choice("no_early_stop", "course", {"patience": 100}),
    Choice("batch_512", "course", {"batch_tokens": 512}),
    Choice("batch_1024", "course", {"batch_tokens": 1024}),
    Choice("batch_2048", "course", {"batch_tokens": 2048}),
)


def _toml(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)
