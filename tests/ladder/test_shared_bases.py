"""Base models beside bundles: stored once, in memory once, found by their digest, missed with a clear word."""

from __future__ import annotations

import gc
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.cli.running import run
from tests.ladder.tiny_climb import LEARNS, Home, options

import tunesmith
from tunesmith.api.compressing import compress
from tunesmith.api.training import train
from tunesmith.bundle import shared_bases
from tunesmith.bundle.load import load_bundle
from tunesmith.bundle.shared_bases import find_shared_base, share_base
from tunesmith.errors import ArtifactError
from tunesmith.files.manifest import file_digest
from tunesmith.models.base import BASES

TEXTS = ["barin kedal stapek", "trerin vodal bapek lodal"]


def learnt(home: Home, method: str, *, seed: int = 0, **more: object) -> Path:
    """A model of the tiny file whose base lies beside it; the fit is kept, since there is no gain too small."""
    out = home.folder / f"{method}-{seed}.model"
    fit = {**LEARNS, "learning_rate": 2e-2, "method": method, **more}
    settings = {key.replace("__", "."): value for key, value in options("finetune", fit).items()}
    train(
        home.folder / "rows.csv",
        base=home.folder / "base",
        rungs=("probe", "finetune"),
        budget="none",
        out=out,
        seed=seed,
        offline=True,
        options={**settings, "ladder.min_gain": 0.0, "run.threads": 1},
    )
    return out


@pytest.fixture
def two(home: Home) -> tuple[Path, Path]:
    """Two models of one base."""
    return learnt(home, "lora"), learnt(home, "lora", seed=1)


def test_a_compressed_one_needs_no_base_and_is_held_to_both_together(home: Home) -> None:
    """What was learnt is worked in; the size before is that of the bundle and of the base beside it."""
    folder = learnt(home, "lora")
    found = compress(folder, home.folder / "rows.csv", home.folder / "alone" / "small.model", max_loss=20.0)
    base = next((home.folder / BASES).iterdir())
    assert (
        found["before"]["size_mib"] > (base / "model.safetensors").stat().st_size / 2**20 > found["after"]["size_mib"]
    )
    facts = load_bundle(home.folder / "alone" / "small.model").facts
    assert (facts.kind, facts.method) == ("runtime", None)
    assert [path.name for path in (home.folder / "alone").iterdir()] == ["small.model"]


def test_models_of_one_base_have_it_once_on_disk(home: Home, two: tuple[Path, Path]) -> None:
    """Under the digest of its weights; the bundles hold what was learnt alone."""
    digest = file_digest(home.folder / "base" / "model.safetensors")
    assert [path.name for path in (home.folder / BASES).iterdir()] == [digest]
    for folder in two:
        facts = load_bundle(folder).facts
        assert facts.kind == "adapter"
        assert facts.base is not None
        assert facts.base.sha256 == digest
        assert not (folder / "model.safetensors").exists()
        assert find_shared_base(facts.base, folder) == home.folder / BASES / digest


def test_models_of_one_base_have_it_once_in_memory(two: tuple[Path, Path]) -> None:
    """Chosen by the call, each answers as it does alone."""
    alone = [tunesmith.load(folder).predict_proba(TEXTS) for folder in two]
    models = [tunesmith.load(folder) for folder in two]
    together = [model.predict_proba(TEXTS) for model in models]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert np.abs(together[0] - together[1]).max() > 1e-3
    first, second = (model.bundle.predictor.model.classifier.encoder for model in models)
    theirs = {parameter.data_ptr() for parameter in second.parameters()}
    own = [name for name, parameter in first.named_parameters() if parameter.data_ptr() not in theirs]
    assert own
    assert all(".added." in name for name in own)


def test_a_base_no_one_computes_with_is_let_go(two: tuple[Path, Path]) -> None:
    """The memory of a base is not held by the table that finds it."""
    before = len(shared_bases._LOADED)
    model = tunesmith.load(two[0])
    model.predict(TEXTS)
    assert len(shared_bases._LOADED) == before + 1
    del model
    gc.collect()
    assert len(shared_bases._LOADED) == before


def test_a_lost_base_is_told(home: Home, two: tuple[Path, Path]) -> None:
    """Where it was looked for, which one, and what to do; with another's weights in its place too."""
    shutil.rmtree(home.folder / BASES)
    with pytest.raises(ArtifactError, match=r"its\s+base\s+model\s+is\s+not\s+on\s+this\s+machine") as caught:
        tunesmith.load(two[0]).predict(TEXTS)
    assert caught.value.code == "base-lost"
    assert BASES in (caught.value.advice or "")
    place = share_base(home.folder / "base", home.folder)
    weights = bytearray((place / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (place / "model.safetensors").write_bytes(weights)
    with pytest.raises(ArtifactError, match=r"its\s+base\s+model\s+is\s+not\s+on\s+this\s+machine"):
        tunesmith.load(two[0]).predict(TEXTS)


def test_a_base_that_is_installed_will_do(home: Home, two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the name that the bundle says, and believed by its digest alone."""
    expected = tunesmith.load(two[0]).predict_proba(TEXTS)
    shutil.rmtree(home.folder / BASES)
    monkeypatch.chdir(home.folder)
    np.testing.assert_allclose(tunesmith.load(two[0]).predict_proba(TEXTS), expected, atol=1e-6)


def test_a_copy_takes_its_base_along(two: tuple[Path, Path], tmp_path: Path) -> None:
    """Saved to another place, it answers without the first."""
    model = tunesmith.load(two[1])
    expected = model.predict_proba(TEXTS)
    model.save(tmp_path / "elsewhere" / "copy.model")
    assert (tmp_path / "elsewhere" / BASES).is_dir()
    del model
    shutil.move(two[1].parent / BASES, tmp_path / "away")
    np.testing.assert_allclose(
        tunesmith.load(tmp_path / "elsewhere" / "copy.model").predict_proba(TEXTS), expected, atol=1e-6
    )


def test_a_copy_that_was_cut_short_is_not_taken_for_a_base(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It appears whole or not at all."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shared_bases, "copy_file", full)
        with pytest.raises(tunesmith.errors.ResourceError, match="No space left"):
            share_base(home.folder / "base", tmp_path)
    assert not any((tmp_path / BASES).iterdir())
    place = share_base(home.folder / "base", tmp_path)
    assert torch.equal(*[torch.tensor(list((f / "config.json").read_bytes())) for f in (place, home.folder / "base")])


def test_two_that_share_the_same_base_at_once_both_find_it_whole(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second begins while the first has copied a file and no more."""
    began, second_done = threading.Event(), threading.Event()
    copy = shared_bases.copy_file

    def slow(source: Path, path: Path) -> None:
        copy(source, path)
        if threading.current_thread() is first:
            began.set()
            second_done.wait(30.0)

    monkeypatch.setattr(shared_bases, "copy_file", slow)
    first = threading.Thread(target=share_base, args=(home.folder / "base", tmp_path))
    first.start()
    assert began.wait(30.0)
    place = share_base(home.folder / "base", tmp_path)
    expected = sorted(path.name for path in place.iterdir())
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(expected)
    second_done.set()
    first.join()
    assert sorted(path.name for path in place.iterdir()) == expected
    assert list((tmp_path / BASES).iterdir()) == [place]


@pytest.mark.parametrize("harm", ["emptied", "removed"])
def test_a_base_that_is_damaged_is_put_there_anew(harm: str, home: Home, tmp_path: Path) -> None:
    """A folder of the right name with half of what belongs there is not believed."""
    place = share_base(home.folder / "base", tmp_path)
    whole = (place / "model.safetensors").read_bytes()
    if harm == "emptied":
        (place / "model.safetensors").write_bytes(b"")
    else:
        (place / "tokenizer.json").unlink()
    assert share_base(home.folder / "base", tmp_path) == place
    assert (place / "model.safetensors").read_bytes() == whole
    assert (place / "tokenizer.json").is_file()


def test_what_a_killed_writer_left_is_removed_once_it_is_old(home: Home, tmp_path: Path) -> None:
    """Another that is at work now is left alone."""
    place = share_base(home.folder / "base", tmp_path)
    old, new = (place.with_name(f".{place.name}.{name}") for name in ("old", "new"))
    for left in (old, new):
        left.mkdir()
    os.utime(old, (1.0, 1.0))
    (place / "config.json").unlink()
    share_base(home.folder / "base", tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


def test_the_card_and_info_say_that_the_base_lies_beside(two: tuple[Path, Path]) -> None:
    """Whoever takes the folder away learns that it is half of the model."""
    card = (two[0] / "README.md").read_text("utf-8")
    assert "Trained by the method `lora` (rank 4, alpha 8.0" in card
    assert f"`{BASES}` beside it" in card
    assert "beside it what lora has learnt" in run("info", str(two[0])).out
