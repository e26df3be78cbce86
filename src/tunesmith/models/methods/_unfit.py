"""The error of an encoder that a method has no place in."""

from __future__ import annotations

from tunesmith.errors import ConfigError


def unfit(method: str, model_type: str, *, lacks: str, advice: str) -> ConfigError:
    """Make the error for an encoder that lacks what a method needs."""
    return ConfigError(
        "method-unfit",
        f"the method {method} has no place in a {model_type}",
        where=f"rung.finetune.method = {method!r}",
        found=f"its layers have {lacks}",
        advice=advice,
    )
