"""The device to compute on."""

from __future__ import annotations

from tunesmith.errors import ConfigError, ResourceError, quote

DEVICES = ("cpu", "cuda", "mps")
"""Devices that can be asked for by name."""


def choose_device(name: str) -> str:
    """Choose the device; for ``cpu`` torch is not asked.

    Args:
        name: ``auto``, which is ``cuda`` where it is there and else ``cpu``; or a device by name.

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
            advice="leave --device out, and the fastest device that is there is taken",
        )
    if name == "auto":
        return "cuda" if is_present("cuda") else "cpu"
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
