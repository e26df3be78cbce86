"""A LoRA adapter of PEFT worked into the weights of its base model, read by its own files and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from tunesmith.config import Settings, problems_of
from tunesmith.errors import ArtifactError
from tunesmith.files.reading import read_json
from tunesmith.files.tensors import load_tensors
from tunesmith.models.peft import ADAPTER_CONFIG, ADAPTER_WEIGHTS, PREFIX

_FACTORS = (".lora_A.weight", ".lora_B.weight")
_READ = frozenset(
    "peft_type r lora_alpha rank_pattern alpha_pattern use_rslora use_dora bias fan_in_fan_out "
    "base_model_name_or_path".split()
)


class LoraSettings(Settings):
    """What of PEFT's settings says how large a product counts; forms that no product stands for are refused."""

    peft_type: Literal["LORA"]
    r: int = Field(ge=1, le=65_536)
    lora_alpha: float = Field(strict=False)
    rank_pattern: dict[str, int] = Field(default_factory=dict)
    alpha_pattern: dict[str, float] = Field(default_factory=dict)
    use_rslora: bool = False
    use_dora: Literal[False] = False
    bias: Literal["none"] = "none"
    fan_in_fan_out: Literal[False] = False
    base_model_name_or_path: str | None = None


def read_lora_settings(folder: Path) -> LoraSettings:
    """Read and check ``adapter_config.json``.

    Args:
        folder: What PEFT's ``save_pretrained`` wrote.

    Returns:
        What is needed of it; what else it says changes no weight.

    Raises:
        ArtifactError: ``adapter-unsupported``, another kind of adapter, or one whose weights are no plain product.
    """
    path = folder / ADAPTER_CONFIG
    raw = read_json(path)
    values: dict[str, Any] = {name: value for name, value in raw.items() if name in _READ} if _is_table(raw) else {}
    values = {name: value for name, value in values.items() if value is not None or name == "base_model_name_or_path"}
    problems = problems_of(LoraSettings, values)
    if problems:
        raise ArtifactError(
            "adapter-unsupported",
            "this adapter cannot be worked into the weights of its base",
            where=str(path),
            found="; ".join(problem[:200] for problem in problems[:3]),
            allowed="LoRA without DoRA, whose biases stay as they are",
            advice="merge it with PEFT itself: model.merge_and_unload().save_pretrained(DIR), then --base DIR",
        )
    return LoraSettings.model_validate(values)


def merged_with_lora(weights: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """Add the products of an adapter to the weights they stand beside.

    Args:
        weights: Of the bare encoder, under transformers' names.
        folder: What PEFT's ``save_pretrained`` wrote.

    Returns:
        All weights, those with a product changed.

    Raises:
        ArtifactError: ``adapter-unsupported``, or ``adapter-differs`` where it is of another encoder.
    """
    settings = read_lora_settings(folder)
    factors = {name.removeprefix(PREFIX): part for name, part in load_tensors(folder / ADAPTER_WEIGHTS).items()}
    names = sorted({name.removesuffix(end) for name in factors for end in _FACTORS if name.endswith(end)})
    merged = dict(weights)
    for name in names:
        target = _target(name, weights)
        pair = [factors.get(f"{name}{end}") for end in _FACTORS]
        if target is None or any(part is None or part.ndim != 2 for part in pair):
            raise _differs(folder, f"{name}, which the base model does not have")
        narrow, wide = (part.float() for part in pair if part is not None)
        if (len(wide), narrow.shape[1]) != tuple(weights[target].shape) or wide.shape[1] != len(narrow):
            raise _differs(folder, f"{name} of shapes {list(narrow.shape)} and {list(wide.shape)}")
        merged[target] = weights[target] + _scale(settings, name, len(narrow)) * (wide @ narrow)
    if not names:
        raise _differs(folder, "no weight that ends in lora_A.weight")
    return merged


def _target(name: str, weights: Mapping[str, Tensor]) -> str | None:
    """Find the weight that a product stands beside: the adapter may be of a model with a head around the encoder."""
    parts = name.split(".")
    tails = (".".join([*parts[start:], "weight"]) for start in range(min(3, len(parts))))
    return next((tail for tail in tails if tail in weights), None)


def _scale(settings: LoraSettings, name: str, rank: int) -> float:
    """How much a product counts: alpha over the rank, or over its root."""
    alpha = next((value for end, value in settings.alpha_pattern.items() if _ends(name, end)), settings.lora_alpha)
    return float(alpha) / (rank**0.5 if settings.use_rslora else rank)


def _ends(name: str, end: str) -> bool:
    return name == end or name.endswith(f".{end}")


def _is_table(raw: object) -> bool:
    return isinstance(raw, dict)


def _differs(folder: Path, found: str) -> ArtifactError:
    return ArtifactError(
        "adapter-differs",
        "the adapter does not belong to this base model",
        where=str(folder / ADAPTER_WEIGHTS),
        found=found,
        allowed="products beside linear maps of the base model",
        advice="name the base model that the adapter was trained on",
    )
