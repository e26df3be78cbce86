"""What a model may take: a size and a time for one text, as a person writes them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tunesmith.errors import ConfigError, quote

_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_SIZES = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
_TIMES = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_MIB = 2.0**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Infinite where nothing was asked for."""

    size_mib: float = math.inf
    """On the disk."""
    latency_ms: float = math.inf
    """Median time for one text."""
    loss: float = math.inf
    """Points of the task's figure."""

    def __str__(self) -> str:
        told = (
            (self.loss, f"{self.loss:g} points lost"),
            (self.size_mib, told_size(self.size_mib)),
            (self.latency_ms, f"{self.latency_ms:g} ms for one text"),
        )
        return ", ".join(words for value, words in told if value < math.inf)


def told_size(mib: float) -> str:
    """Write a size.

    Args:
        mib: In MiB.

    Returns:
        With three digits, or those before the point where there are more.

    Example:
        >>> told_size(22.46), told_size(0.0123)
        ('22.5 MiB', '0.0123 MiB')
    """
    return f"{mib:.1f} MiB" if mib >= 1.0 else f"{mib:.3g} MiB"


def parse_size(text: str) -> float:
    """Read a size as a person writes it.

    Args:
        text: A number and its unit: KB, MB, GB (thousands), KiB, MiB, GiB (1,024).

    Returns:
        MiB.

    Raises:
        ConfigError: ``bad-size``.

    Example:
        >>> parse_size("10MiB"), round(parse_size("10 MB"), 2)
        (10.0, 9.54)
    """
    found = _parsed(text, _SIZES)
    if found is None:
        raise ConfigError(
            "bad-size",
            "the size is not one above zero",
            found=quote(text),
            allowed=f"a number and one of {', '.join(_SIZES)}",
            advice="--size 10MB",
        )
    return found / _MIB


def parse_latency(text: str) -> float:
    """Read the time for one text as a person writes it.

    Args:
        text: A number and its unit: us, ms or s.

    Returns:
        Milliseconds.

    Raises:
        ConfigError: ``bad-latency``.

    Example:
        >>> parse_latency("2ms"), parse_latency("0.5 s")
        (2.0, 500.0)
    """
    found = _parsed(text, _TIMES)
    if found is None:
        raise ConfigError(
            "bad-latency",
            "the latency is not a time above zero",
            found=quote(text),
            allowed=f"a number and one of {', '.join(_TIMES)}",
            advice="--latency 2ms",
        )
    return found


def _parsed(text: str, units: dict[str, float]) -> float | None:
    """A number times its unit; None where it is none above zero."""
    by_name = {unit.lower(): factor for unit, factor in units.items()}
    match = re.fullmatch(rf"{_NUMBER}\s*({'|'.join(by_name)})", text.strip().lower())
    value = float(match[1]) * by_name[match[2]] if match else 0.0
    return value if 0.0 < value < math.inf else None
