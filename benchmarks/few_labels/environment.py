"""An environment for SetFit alone: it does not work with the transformers that tunesmith needs."""

from __future__ import annotations

from pathlib import Path

from benchmarks import environment

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"
PACKAGES = ("setfit", "sentence-transformers", "transformers", "torch", "datasets", "scikit-learn")


def make_environment(folder: Path) -> Path:
    """Make the environment, or use the one that an earlier run made from the same list.

    Args:
        folder: Where it is to lie.

    Returns:
        Its Python.
    """
    return environment.make_environment(folder, REQUIREMENTS)


def pinned_versions() -> dict[str, str]:
    """Read which versions the environment has.

    Returns:
        Version by package, of those that count.
    """
    return environment.pinned_versions(REQUIREMENTS, PACKAGES)
