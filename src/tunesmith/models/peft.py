"""The files of PEFT: what it calls an adapter's settings and weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.models.added import additions
from tunesmith.models.encoder import Encoder
from tunesmith.models.low_rank import LowRank
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
        Settings of LoRA or AdaLoRA; for a method that PEFT does not have, its name and options.
    """
    products = [part for _, part in additions(encoder) if isinstance(part, LowRank)]
    if not products:
        return {"peft_type": None, "method": method, "options": dict(options)}
    described = {
        **_COMMON,
        "lora_alpha": options["alpha"],
        "lora_dropout": options["dropout"],
        "r": options["rank"],
        "target_modules": sorted(part.parts[int(key)].name for part in products for key in part.A),
    }
    if method == "lora":
        return {**described, "peft_type": "LORA"}
    return {**described, "peft_type": "ADALORA", **_schedule(options)}


def _schedule(options: Mapping[str, Any]) -> dict[str, JSON]:
    """Say how ranks went, in a hundred steps: PEFT counts steps and asks for their number even to load."""
    return {
        "init_r": options["rank"],
        "target_r": options["target_rank"],
        "total_step": 100,
        "tinit": int(100 * options["begin"]),
        "tfinal": int(100 * options["settle"]),
        "deltaT": options["every"],
        "beta1": options["smoothing"],
        "beta2": options["uncertainty_smoothing"],
        "orth_reg_weight": options["orthogonality"],
    }
