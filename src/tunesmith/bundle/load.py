"""Loading: verify every byte, check the description, then build the model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.bundle.kinds import KINDS, Predictor, files_of
from tunesmith.bundle.schema import Facts, read_facts
from tunesmith.errors import ArtifactError
from tunesmith.files.manifest import MANIFEST, file_digest, verify_manifest
from tunesmith.files.reading import shown

if TYPE_CHECKING:
    from tunesmith.bundle.repeats import Remembering


@dataclass(frozen=True)
class Bundle:
    """A verified model folder; its weights are loaded when first used."""

    folder: Path
    facts: Facts
    manifest_sha256: str
    """Digest of the manifest, and so of every file."""

    @cached_property
    def predictor(self) -> Predictor:
        """The loaded model.

        Raises:
            ArtifactError: ``bundle-replaced``, another model has taken its place since it was verified.
        """
        self.refuse_replaced()
        predictor: Predictor = KINDS.member(self.facts.kind).load(self.folder, self.facts)
        self.refuse_replaced()  # nor while it was read
        return predictor

    @cached_property
    def remembering(self) -> Remembering:
        """The loaded model, which answers texts that come again from memory."""
        from tunesmith.bundle.repeats import Remembering  # numpy, which whoever only reads a description waits for

        return Remembering(self.predictor)

    def refuse_replaced(self) -> None:
        """Make sure that the folder still holds what was verified.

        Raises:
            ArtifactError: ``bundle-replaced``.
        """
        if file_digest(self.folder / MANIFEST) != self.manifest_sha256:
            raise ArtifactError(
                "bundle-replaced",
                "another model has taken the place of the one that was opened",
                where=str(self.folder),
                advice="open the folder again",
            )


def load_bundle(folder: str | Path) -> Bundle:
    """Open a bundle.

    Args:
        folder: The model folder.

    Returns:
        The bundle, every file verified against its manifest, and no file among them that its kind does not have.

    Raises:
        ArtifactError: Not a bundle, changed, incomplete, unsafe or too new.
    """
    path = Path(folder)
    facts = read_facts(path)
    there = verify_manifest(path)
    wanted = files_of(facts)
    missing = [name for name in wanted if not (path / name).is_file()]
    if missing:
        raise ArtifactError(
            "bundle-incomplete",
            f"a bundle of kind {facts.kind} lacks files",
            where=str(path),
            found=f"missing: {', '.join(missing)}",
        )
    strange = [name for name in there if name not in wanted]
    if strange:  # a manifest can be made anew by whoever slips code into a folder
        raise ArtifactError(
            "file-unexpected",
            f"a bundle of kind {facts.kind} does not have this file",
            where=shown(path / strange[0]),
            found=f"{len(strange)} such files" if len(strange) > 1 else None,
            allowed=", ".join(wanted),
            advice="do not trust this folder unless you know who put the file there; get it again from where it came",
        )
    return Bundle(folder=path, facts=facts, manifest_sha256=file_digest(path / MANIFEST))
