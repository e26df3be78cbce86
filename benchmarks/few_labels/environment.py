"""An environment for SetFit alone: it does not work with the transformers that tunesmith needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"
PACKAGES = ("setfit", "sentence-transformers", "transformers", "torch", "datasets", "scikit-learn")
_COPY = "requirements.txt"


def make_environment(folder: Path) -> Path:
    """Make the environment, or use the one that an earlier run made from the same list.

    Args:
        folder: Where it is to lie.

    Returns:
        Its Python.
    """
    python, done = folder / "bin" / "python", folder / _COPY
    wanted = REQUIREMENTS.read_text("utf-8")
    if not done.is_file() or done.read_text("utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)], check=True)
        done.write_text(wanted, encoding="utf-8")
    return python


def pinned_versions() -> dict[str, str]:
    """Read which versions the environment has.

    Returns:
        Version by package, of those that count.
    """
    pins = dict(line.split("==") for line in REQUIREMENTS.read_text("utf-8").splitlines() if "==" in line)
    return {name: pins[name] for name in PACKAGES}
