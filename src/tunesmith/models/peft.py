"""The files of PEFT: what it calls an adapter's settings and weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.models.added import additions
from tunesmith.models.encoder import Encoder
from tunesmith.models.low_rank import LowRank
from tunesmith.models.methods import load_method
from tunesmith.types import JSON

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."
"""Before the name of each weight."""

_COMMON: Mapping[str, JSON] = {
    "base_model_name_or_path": None,
    "bias": "none",
    "fan_in_fan_out": False,
    "inference_mode": True,
    "init_lora_weights": True,
    "task_type": "FEATURE_EXTRACTION",
}


def peft_config(encoder: Encoder, method: str, options: Mapping[str, Any]) -> dict[str, JSON]:
    """Describe an adapter as PEFT does.

    Args:
        encoder: With what was put in.
        method: Its name.
        options: Of the method.

    Returns:
        Settings of PEFT's; for a method that PEFT does not have, its name and options.
    """
    own = load_method(method, options).peft_settings()
    if own is None:
        return {"peft_type": None, "method": method, "options": dict(options)}
    products = [part for _, part in additions(encoder) if isinstance(part, LowRank)]
    return {
        **_COMMON,
        "lora_alpha": options["alpha"],
        "lora_dropout": options["dropout"],
        "r": options["rank"],
        "target_modules": sorted(part.parts[int(key)].name for part in products for key in part.A),
        **own,
    }
