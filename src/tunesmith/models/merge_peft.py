"""A LoRA adapter of PEFT worked into the weights of its base model, read by its own files and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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


class LoraSettings(Settings):
    """What of PEFT's settings says how large a product counts; forms that no product stands for are refused."""

    peft_type: Literal["LORA"]
    r: int = Field(ge=1, le=65_536)
    lora_alpha: float = Field(strict=False)
    alpha_pattern: dict[str, float] = Field(default_factory=dict)
    """Names of modules, or regular expressions of their ends, with an alpha of their own."""
    modules_to_save: tuple[str, ...] = Field((), strict=False)
    """Modules that the folder holds whole, such as the head of a classifier."""
    use_rslora: bool = False
    use_dora: Literal[False] = False
    use_qalora: Literal[False] = False
    use_bdlora: Literal[False] = False
    lora_bias: Literal[False] = False
    bias: Literal["none"] = "none"
    fan_in_fan_out: Literal[False] = False
    init_lora_weights: Literal[True, False, "gaussian", "orthogonal", "eva"] = True
    """Of PEFT's other ways to begin, each changes the base model's weights as well."""
    alora_invocation_tokens: None = None
    arrow_config: None = None
    kasa_config: None = None
    layer_replication: None = None
    monteclora_config: None = None
    trainable_token_indices: None = None
    velora_config: None = None
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
    table: dict[str, Any] = raw if isinstance(raw, dict) else {}
    values = {name: value for name, value in table.items() if name in LoraSettings.model_fields and value is not None}
    problems = problems_of(LoraSettings, values)
    if not problems:
        settings = LoraSettings.model_validate(values)
        problems = [f"alpha_pattern {end!r}: {why}" for end, why in _no_patterns(settings.alpha_pattern)]
    if problems:
        raise _unsupported(path, "; ".join(problem[:200] for problem in problems[:3]))
    return settings


def _no_patterns(ends: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    for end in ends:
        try:
            re.compile(end)
        except re.error as error:
            yield end, str(error)


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
    learnt = {name.removeprefix(PREFIX): part for name, part in load_tensors(folder / ADAPTER_WEIGHTS).items()}
    names = sorted({name.removesuffix(end) for name in learnt for end in _FACTORS if name.endswith(end)})
    merged = dict(weights)
    for name in names:
        target = _found(f"{name}.weight", weights)
        pair = [learnt.get(f"{name}{end}") for end in _FACTORS]
        if target is None or any(part is None or part.ndim != 2 for part in pair):
            raise _differs(folder, f"{name}, which the base model does not have")
        narrow, wide = (part.float() for part in pair if part is not None)
        if (len(wide), narrow.shape[1]) != tuple(weights[target].shape) or wide.shape[1] != len(narrow):
            raise _differs(folder, f"{name} of shapes {list(narrow.shape)} and {list(wide.shape)}")
        merged[target] = weights[target] + _scale(settings, name, len(narrow)) * (wide @ narrow)
    if not names:
        raise _differs(folder, "no weight that ends in lora_A.weight")
    return merged | _saved_whole(learnt, weights, settings, folder=folder)


def _saved_whole(
    learnt: Mapping[str, Tensor], weights: Mapping[str, Tensor], settings: LoraSettings, *, folder: Path
) -> dict[str, Tensor]:
    """Give the weights that the folder holds instead of the base's; a head around the encoder is left out."""
    whole = {}
    for name in sorted(name for name in learnt if not name.endswith(_FACTORS)):
        if not set(name.split(".")) & set(settings.modules_to_save):
            raise _unsupported(folder / ADAPTER_WEIGHTS, f"{name}, which is no factor of a product")
        target = _found(name, weights)
        if target is not None and learnt[name].shape != weights[target].shape:
            raise _differs(folder, f"{name} of shape {list(learnt[name].shape)}")
        if target is not None:
            whole[target] = learnt[name].to(weights[target].dtype)
    return whole


def _found(name: str, weights: Mapping[str, Tensor]) -> str | None:
    """Find a weight of the encoder: the adapter may be of a model with a head around it."""
    parts = name.split(".")
    tails = (".".join(parts[start:]) for start in range(min(3, len(parts))))
    return next((tail for tail in tails if tail in weights), None)


def _scale(settings: LoraSettings, name: str, rank: int) -> float:
    """How much a product counts: alpha over the rank, or over its root; a name is matched as PEFT matches it."""
    ends = settings.alpha_pattern.items()
    alpha = next((value for end, value in ends if re.match(rf"(.*\.)?({end})$", name)), settings.lora_alpha)
    return float(alpha) / (rank**0.5 if settings.use_rslora else rank)


def _unsupported(where: Path, found: str) -> ArtifactError:
    return ArtifactError(
        "adapter-unsupported",
        "this adapter cannot be worked into the weights of its base",
        where=str(where),
        found=found,
        allowed="LoRA whose products are all that is learnt, but for modules that are saved whole",
        advice="merge it with PEFT itself: model.merge_and_unload().save_pretrained(DIR), then --base DIR",
    )


def _differs(folder: Path, found: str) -> ArtifactError:
    return ArtifactError(
        "adapter-differs",
        "the adapter does not belong to this base model",
        where=str(folder / ADAPTER_WEIGHTS),
        found=found,
        allowed="products beside linear maps of the base model",
        advice="name the base model that the adapter was trained on",
    )
