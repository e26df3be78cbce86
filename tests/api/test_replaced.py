"""Another model in the place of an open one: what was loaded answers on, what was not says so; copies are whole."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.cli.small_world import rows, write_base

import tunesmith
from tunesmith.api.model import open_bundle
from tunesmith.bundle.kinds import KINDS
from tunesmith.bundle.schema import Facts
from tunesmith.errors import ArtifactError, ResourceError
from tunesmith.files.exchange import exchange_folders
from tunesmith.files.manifest import verify_manifest

DATA = {"text": [text for text, _ in rows()], "label": [label for _, label in rows()]}
OTHER = {"text": DATA["text"], "label": [label.upper() for label in DATA["label"]]}
TEXTS = DATA["text"][:20]
RUNGS = ("linear", "probe")

Put = Callable[..., Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tunesmith.Model]:
    """Train one rung on the small world, in the place of what is there."""
    base = write_base(tmp_path_factory.mktemp("base") / "tiny-bert")

    def call(rung: str, out: Path, *, other: bool = False) -> tunesmith.Model:
        usual = {"base": base, "budget": "none", "threads": 1, "offline": True, "out": out, "force": True}
        return tunesmith.train(OTHER if other else DATA, rungs=[rung], seed=int(other), **usual)

    return call


@pytest.fixture(scope="module")
def models(trained: Callable[..., tunesmith.Model], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and another one of each rung."""
    folder = tmp_path_factory.mktemp("models")
    for rung in RUNGS:
        for other in (False, True):
            trained(rung, folder / f"{rung}-{other}", other=other)
    return folder


@pytest.fixture
def put(models: Path, tmp_path: Path) -> Put:
    """Put one of them at the folder ``m``, as a training does that comes to its end."""

    def call(rung: str, *, other: bool = False) -> Path:
        out, coming = tmp_path / "m", tmp_path / "coming"
        shutil.copytree(models / f"{rung}-{other}", coming)
        exchange_folders(coming, out)
        shutil.rmtree(coming, ignore_errors=True)
        return out

    return call


def names(folder: Path) -> list[str]:
    """What lies in a folder, hidden things too."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("rung", RUNGS)
def test_a_trained_model_answers_on_when_another_is_trained_over_it(
    trained: Callable[..., tunesmith.Model], tmp_path: Path, rung: str
) -> None:
    """With its own weights, labels and temperature, though it had not answered before."""
    model = trained(rung, tmp_path / "m")
    before = tunesmith.load(tmp_path / "m").predict_proba(TEXTS)
    other = trained(rung, tmp_path / "m", other=True)
    assert other.labels == [label.upper() for label in model.labels]
    assert not np.array_equal(other.predict_proba(TEXTS), before)
    np.testing.assert_array_equal(model.predict_proba(TEXTS), before)
    assert {answer.label for answer in model.predict(TEXTS)} <= set(DATA["label"])


@pytest.mark.parametrize("rung", RUNGS)
def test_a_loaded_model_answers_on_when_another_takes_its_place(put: Put, models: Path, rung: str) -> None:
    """As a server does that was started before the training."""
    model = tunesmith.load(put(rung))
    other = tunesmith.load(put(rung, other=True))
    expected = tunesmith.load(models / f"{rung}-False").predict_proba(TEXTS)
    np.testing.assert_array_equal(model.predict_proba(TEXTS), expected)
    assert not np.array_equal(other.predict_proba(TEXTS), expected)


@pytest.mark.parametrize(("rung", "other"), [*((rung, rung) for rung in RUNGS), RUNGS, RUNGS[::-1]])
def test_a_bundle_that_was_not_loaded_in_time_says_so(put: Put, rung: str, other: str) -> None:
    """Weights of one model under the labels of another would answer, and answer wrong; and of another kind as well."""
    bundle = open_bundle(put(rung))
    out = put(other, other=True)
    for _ in range(2):
        with pytest.raises(ArtifactError, match="bundle-replaced") as caught:
            _ = bundle.predictor
        assert (caught.value.exit_code, caught.value.where) == (3, str(out))
    assert open_bundle(out).predictor.outputs(TEXTS).logits.shape == (20, 3)


def test_a_bundle_that_is_replaced_while_it_is_read_says_so(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of two models may have been read then, each whole."""

    def load(folder: Path, facts: Facts) -> object:
        found = sound(folder, facts)
        put("linear", other=True)
        return found

    bundle, sound = open_bundle(put("linear")), KINDS.member("bag_of_words").load
    monkeypatch.setattr(KINDS.member("bag_of_words"), "load", load)
    with pytest.raises(ArtifactError, match="bundle-replaced"):
        _ = bundle.predictor


def test_a_model_that_was_replaced_is_not_saved(put: Put, tmp_path: Path) -> None:
    """The folder holds another one now; nothing is left at the place to save to."""
    model = tunesmith.load(put("linear"))
    put("linear", other=True)
    with pytest.raises(ArtifactError, match="bundle-replaced"):
        model.save(tmp_path / "copies" / "copy")
    assert names(tmp_path / "copies") == []


@pytest.mark.parametrize("rung", RUNGS)
def test_a_copy_is_whole_and_answers_alike(put: Put, tmp_path: Path, rung: str) -> None:
    """To the last bit, in folders that are made for it; what an unfinished copy left there is gone."""
    model = tunesmith.load(put(rung))
    left = tmp_path / "some" / "where" / ".copy.partial"
    left.mkdir(parents=True)
    (left / "half").write_text("half", "utf-8")
    model.save(tmp_path / "some" / "where" / "copy")
    verify_manifest(tmp_path / "some" / "where" / "copy")
    assert names(tmp_path / "some" / "where") == ["copy"]
    copy = tunesmith.load(tmp_path / "some" / "where" / "copy")
    np.testing.assert_array_equal(copy.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert copy.bundle.manifest_sha256 == model.bundle.manifest_sha256


@pytest.mark.parametrize(
    "fault", [(errno.ENOSPC, "disk-full"), (errno.EIO, "write-failed")], ids=lambda fault: fault[1]
)
def test_a_copy_that_fails_half_way_leaves_nothing(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: tuple[int, str]
) -> None:
    """Nobody must take half a model for a whole one; the error is that of the disk, exit code 4."""

    def refuse(source: object, target: Path) -> None:
        target.write_text("half", "utf-8")
        raise OSError(code, os.strerror(code), str(target))

    (code, name), model = fault, tunesmith.load(put("linear"))
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", refuse)
        with pytest.raises(ResourceError, match=name) as caught:
            model.save(tmp_path / "copies" / "copy")
    assert caught.value.exit_code == 4
    assert os.strerror(code) in (caught.value.found or "")
    assert names(tmp_path / "copies") == []
    model.save(tmp_path / "copies" / "copy")
    verify_manifest(tmp_path / "copies" / "copy")


def test_a_copy_that_is_interrupted_leaves_nothing(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C passes through, after the folder is clean."""

    def interrupt(source: object, target: Path) -> None:
        target.write_text("half", "utf-8")
        raise KeyboardInterrupt

    model = tunesmith.load(put("linear"))
    monkeypatch.setattr(shutil, "copyfile", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.save(tmp_path / "copies" / "copy")
    assert names(tmp_path / "copies") == []


def test_a_place_that_cannot_be_made_is_told(put: Put, tmp_path: Path) -> None:
    """A file where the folder above should be: exit code 4, and nothing left beside it."""
    model = tunesmith.load(put("linear"))
    (tmp_path / "copies").write_text("a file", "utf-8")
    with pytest.raises(ResourceError, match="write-failed") as caught:
        model.save(tmp_path / "copies" / "copy")
    assert caught.value.exit_code == 4
