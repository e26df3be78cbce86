"""Environments of peers: what a library needs, installed apart from what tunesmith needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.rows import ROOT

_COPY = "requirements.txt"


def environment_folder(name: str) -> Path:
    """Give the place of an environment, in the project's folder of what can be made again.

    Args:
        name: Of the environment.

    Returns:
        The folder; it need not be there.
    """
    return ROOT / "build" / "peers" / name


def make_environment(folder: Path, requirements: Path) -> Path:
    """Make an environment, or use the one that an earlier run made from the same list.

    Args:
        folder: Where it is to lie.
        requirements: Every package of it, with its version; torch first, so that nothing fetches another build of it.

    Returns:
        Its Python.
    """
    python, done = folder / "bin" / "python", folder / _COPY
    wanted = requirements.read_text("utf-8")
    if not done.is_file() or done.read_text("utf-8") != wanted:
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        torch = [f"torch=={version}" for name, version in pins(requirements).items() if name == "torch"]
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        for wanted_now in (torch, ["--requirement", str(requirements)]):
            if wanted_now:
                subprocess.run([*pip, *wanted_now], check=True)
        done.write_text(wanted, encoding="utf-8")
    return python


def pins(requirements: Path) -> dict[str, str]:
    """Read which versions a list of packages has.

    Args:
        requirements: The list.

    Returns:
        Version by package.
    """
    lines = requirements.read_text("utf-8").splitlines()
    return dict(line.split("==", maxsplit=1) for line in lines if "==" in line and not line.startswith("#"))


def pinned_versions(requirements: Path, packages: Sequence[str]) -> dict[str, str]:
    """Read the versions of those packages that count.

    Args:
        requirements: The list.
        packages: Which.

    Returns:
        Version by package, in the order asked for.
    """
    found = pins(requirements)
    return {name: found[name] for name in packages}
