"""Words for what was measured of an export, for its README and for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.types import JSON


def cut_difference(cut: Mapping[str, JSON]) -> str:
    """Tell how rows are answered that an export cuts and the model reads whole.

    Args:
        cut: As ``parity.json`` has it.

    Returns:
        A part of a sentence.

    Example:
        >>> cut_difference({"rows": 60, "agreement": 0.95, "values": None, "vectors": 0.2})
        'the same answer for 95.0 % of 60'
    """
    if cut["agreement"] is not None:
        return f"the same answer for {100 * cut['agreement']:.1f} % of {cut['rows']}"
    name = "values" if cut["values"] is not None else "vectors"
    return f"largest difference of {name} {cut[name]:.1e} in {cut['rows']}"
