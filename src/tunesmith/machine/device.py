"""The device to compute on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tunesmith.errors import ConfigError, ResourceError, quote

DEVICES = ("cpu", "cuda", "mps")
"""Devices that can be asked for by name."""

TESTED = ("cpu",)
"""Those that the project's own checks run on. That all else goes with the weights to another device is checked on a
pretended one; no figure of ours comes from a card."""

Precision = Literal["fp32", "bf16"]
"""What a training step multiplies: float32, or bfloat16; weights, and what is added to them, are float32 always."""

_LEAST_SPEED = 1.5
"""Of products of bfloat16, in those of float32, from which on a step is faster by them: more than products is not."""


def choose_device(name: str) -> str:
    """Choose the device; for ``cpu`` torch is not asked.

    Args:
        name: ``auto``, the fastest of those that are tested and there; or a device by name.

    Returns:
        One of ``DEVICES``.

    Raises:
        ConfigError: ``unknown-device``: no such name.
        ResourceError: ``device-missing``: this machine, or this build of torch, does not have it.

    Example:
        >>> choose_device("cpu")
        'cpu'
    """
    if name not in ("auto", *DEVICES):
        raise ConfigError(
            "unknown-device",
            f"there is no device {quote(name)}",
            allowed=f"auto, {', '.join(DEVICES)}",
            advice="leave --device out, and the fastest tested device that is there is taken",
        )
    if name == "auto":
        return "cuda" if "cuda" in TESTED and is_present("cuda") else "cpu"
    if not is_present(name):
        raise ResourceError(
            "device-missing",
            f"this machine has no {name} that torch can use",
            found=", ".join(device for device in DEVICES if is_present(device)),
            advice="use --device cpu, or install a build of torch for the device",
        )
    return name


def is_present(name: str) -> bool:
    """Tell whether torch can compute on a device here.

    Args:
        name: One of ``DEVICES``.

    Returns:
        True for ``cpu`` always.
    """
    if name == "cpu":
        return True
    import torch

    return torch.cuda.is_available() if name == "cuda" else torch.backends.mps.is_available()


def choose_precision(asked: str, device: str, bf16_speed: Callable[[], float]) -> Precision:
    """Choose what a training step multiplies.

    Args:
        asked: ``auto``, or a precision.
        device: One of ``DEVICES``.
        bf16_speed: Tells how much faster the CPU multiplies numbers of bfloat16, where that is asked.

    Returns:
        What was asked for; else bfloat16 on a card that has it, and on a CPU that is faster by it. No flag of a
        processor tells the latter: on some it is a hundred times slower.

    Example:
        >>> choose_precision("auto", "cpu", lambda: 0.01)
        'fp32'
    """
    if asked in ("fp32", "bf16"):
        return "bf16" if asked == "bf16" else "fp32"
    if device == "cuda":
        import torch

        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if device == "cpu" and bf16_speed() >= _LEAST_SPEED else "fp32"
