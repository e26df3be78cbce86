"""Loading: verify every byte, check the description, then build the model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tunesmith.bundle.kinds import COMMON_FILES, KINDS, Predictor
from tunesmith.bundle.schema import Facts, read_facts
from tunesmith.errors import ArtifactError
from tunesmith.files.manifest import verify_manifest


@dataclass(frozen=True)
class Bundle:
    """A verified model folder; its weights are loaded when first used."""

    folder: Path
    facts: Facts

    @cached_property
    def predictor(self) -> Predictor:
        """The loaded model."""
        predictor: Predictor = KINDS.member(self.facts.kind).load(self.folder, self.facts)
        return predictor


def load_bundle(folder: str | Path) -> Bundle:
    """Open a bundle.

    Args:
        folder: The model folder.

    Returns:
        The bundle, every file verified against its manifest.

    Raises:
        ArtifactError: Not a bundle, changed, incomplete, unsafe or too new.
    """
    path = Path(folder)
    facts = read_facts(path)
    verify_manifest(path)
    missing = [name for name in (*KINDS.member(facts.kind).FILES, *COMMON_FILES) if not (path / name).is_file()]
    if missing:
        raise ArtifactError(
            "bundle-incomplete",
            f"a bundle of kind {facts.kind} lacks files",
            where=str(path),
            found=f"missing: {', '.join(missing)}",
        )
    return Bundle(folder=path, facts=facts)
