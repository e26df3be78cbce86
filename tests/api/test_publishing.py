"""A model takes its place only once it has been read back and found to answer as the trained one does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.small_world import rows, write_base

import tunesmith
from tunesmith.bundle.kinds import KINDS
from tunesmith.errors import ArtifactError
from tunesmith.files.manifest import verify_manifest
from tunesmith.files.tensors import load_tensors, save_tensors

WEIGHTS = {"linear": ("bag_of_words", "model.safetensors"), "probe": ("encoder", "head.safetensors")}
"""Rung to the kind of its bundle and the file of it that holds ``bias``."""
DATA = {"text": [text for text, _ in rows()], "label": [label for _, label in rows()]}

Train = Callable[..., tunesmith.Model]


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """Train one rung on the small world into the folder ``m``."""
    base = write_base(tmp_path / "tiny-bert")

    def call(rung: str, **more: Any) -> tunesmith.Model:
        usual: dict[str, Any] = {"base": base, "budget": "none", "threads": 1, "offline": True, "out": tmp_path / "m"}
        return tunesmith.train(DATA, rungs=[rung], **usual, **more)

    return call


def spoil_saving(rung: str, patched: pytest.MonkeyPatch) -> None:
    """Write one weight otherwise than it is in memory."""
    kind, file = WEIGHTS[rung]
    member = KINDS.member(kind)
    sound = member.save

    def save(folder: Path, model: object) -> None:
        sound(folder, model)
        tensors = load_tensors(folder / file)
        tensors["bias"][0] += 1.0
        save_tensors(folder / file, tensors)

    patched.setattr(member, "save", save)


def content(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("rung", WEIGHTS)
def test_a_model_that_reads_back_otherwise_replaces_nothing(
    rung: str, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there stays to the byte and answers as before; the run can be gone on with."""
    texts = DATA["text"][:20]
    before_answers = train("linear").predict_proba(texts).tolist()
    before = content(tmp_path / "m")
    with monkeypatch.context() as patched:
        spoil_saving(rung, patched)
        with pytest.raises(ArtifactError, match="save-differs"):
            train(rung, force=True, seed=1)
    assert content(tmp_path / "m") == before
    assert tunesmith.load(tmp_path / "m").predict_proba(texts).tolist() == before_answers
    resumed = train(rung, resume=True, seed=1)
    assert (resumed.bundle.facts.rung, resumed.bundle.facts.recipe["run"]["seed"]) == (rung, 1)
    verify_manifest(tmp_path / "m")


@pytest.mark.parametrize("rung", WEIGHTS)
def test_a_model_that_reads_back_otherwise_takes_no_free_place(
    rung: str, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor later, when somebody looks for a model there."""
    with monkeypatch.context() as patched:
        spoil_saving(rung, patched)
        with pytest.raises(ArtifactError, match="save-differs"):
            train(rung)
    assert not (tmp_path / "m").exists()
    with pytest.raises(ArtifactError, match="not a tunesmith model"):
        tunesmith.load(tmp_path / "m")
