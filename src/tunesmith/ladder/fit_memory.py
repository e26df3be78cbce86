"""What memory a fit of every layer needs beside the loaded model, and which method is taken where it is not there."""

from __future__ import annotations

from tunesmith.models.base import BaseModel
from tunesmith.models.encoder_config import EncoderConfig, read_encoder_config
from tunesmith.models.weights import weights_file

FULL, LEAN = "full", "lora"
"""Methods: the most accurate, and one near it that needs about half of the memory; see ``benchmarks/methods``."""

TOKENS_OF_A_STEP = 1024
"""About as many as a step of a fit passes at once."""

_BYTES_OF_A_WEIGHT = 20
"""The copy that learns, its gradient, two moments, the best so far: 4 each."""

_BYTES_OF_A_UNIT = 60
"""That a token leaves in each unit of each layer for the way back: about 14 numbers of 4."""

_HEAP_MIB = 250
"""What a fit of any size leaves in the heap."""

_PROCESS_MIB = 400
"""Of Python, torch, and the rows of a file of usual size."""

_SHARE_OF_MACHINE = 0.7
"""That a process may take; the rest is the system's, and what else is at work."""

_MIB = 2.0**20


def full_fit_mib(config: EncoderConfig) -> float:
    """Foresee what training every layer takes beside the loaded model.

    Args:
        config: Layers, width and inner width.

    Returns:
        MiB. Measured with 1,024 tokens a step: 602 and 639 with 6 layers of 384 (``benchmarks/methods``), 2,007 over
        13 steps with 12 layers of 768.

    Example:
        >>> from types import SimpleNamespace
        >>> round(full_fit_mib(SimpleNamespace(num_hidden_layers=6, hidden_size=384, intermediate_size=1536)))
        588
    """
    weights = _layer_weights(config)
    units = config.num_hidden_layers * config.hidden_size
    return _HEAP_MIB + (_BYTES_OF_A_WEIGHT * weights + _BYTES_OF_A_UNIT * TOKENS_OF_A_STEP * units) / _MIB


def full_climb_mib(base: BaseModel) -> float:
    """Foresee what a process takes that trains every layer of a base model.

    Args:
        base: The model; its description and the size of its weights are looked at.

    Returns:
        MiB.

    Raises:
        ArtifactError: The description cannot be read.
    """
    loaded_mib = weights_file(base.folder).stat().st_size / _MIB
    return _PROCESS_MIB + loaded_mib + full_fit_mib(read_encoder_config(base.folder))


def method_that_fits(base: BaseModel, *, machine_mib: float) -> str:
    """Choose the method of fine-tuning by the memory of the machine.

    Args:
        base: The model to train.
        machine_mib: What the machine has.

    Returns:
        ``full`` where that fits, else the one that needs less.
    """
    return FULL if full_climb_mib(base) <= _SHARE_OF_MACHINE * machine_mib else LEAN


def _layer_weights(config: EncoderConfig) -> int:
    """Count weights of the layers' matrices; biases and norms are a thousandth of these."""
    d, inner = config.hidden_size, config.intermediate_size
    return config.num_hidden_layers * (4 * d * d + 2 * d * inner)
