"""Every technique of compression, enrolled by import, keeps its family's promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tests.contracts.conftest import Climbed

from tunesmith.bundle.kinds import KINDS
from tunesmith.compress.source import Compressed, Parent, Rows, Work
from tunesmith.compress.techniques import TECHNIQUES
from tunesmith.models.encoder import pretrained
from tunesmith.runtimes.engines import ENGINES

Compress = Callable[[], Compressed]

ASKED = {"auto": {"chains": ["int8"]}}
"""Of those whose choice rests on a clock: with one model to choose from it is the same twice."""


@pytest.fixture(params=[*TECHNIQUES.names(), *(f"int8 {name}" for name in ENGINES.names())])
def asked(request: pytest.FixtureRequest) -> str:
    """One of the family; int8 also with each runtime by its name."""
    name: str = request.param
    return name


@pytest.fixture
def technique(asked: str) -> ModuleType:
    """Its module."""
    return TECHNIQUES.member(asked.partition(" ")[0])


@pytest.fixture
def parent(climbed: Climbed) -> Parent:
    """The fine-tuned encoder of the climb."""
    return Parent(climbed.landing("finetune").model, climbed.site.task, climbed.site.data.coding)


@pytest.fixture
def compress(asked: str, technique: ModuleType, parent: Parent, climbed: Climbed) -> Compress:
    """Makes it smaller."""
    name, _, runtime = asked.partition(" ")
    options = TECHNIQUES.options(name, {"runtime": runtime} if runtime else ASKED.get(name))
    data = climbed.site.data
    train, held = ([data.texts[row] for row in rows] for rows in (data.split.train, data.split.validation))
    rows = Rows("rows.csv", fitted=train, held=held, targets=data.targets[data.split.validation])
    return lambda: technique.compress(parent, rows, options=options, work=Work(max_loss=5.0))


def saved(made: Compressed, folder: Path) -> dict[str, bytes]:
    """The files of a compressed model."""
    folder.mkdir()
    KINDS.member(made.kind).save(folder, made.model)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def weights_size(made: Compressed, folder: Path) -> int:
    """Bytes of its weights, saved."""
    return sum(len(content) for name, content in saved(made, folder).items() if name.endswith(".safetensors"))


def test_it_says_what_it_does(technique: ModuleType) -> None:
    """In a few words, for the help, and whether the rows held out must be new to its parent."""
    assert 10 < len(technique.DOES) < 100
    assert technique.LEARNS in (True, False)
    assert technique.LEAVES_ENCODER in (True, False)
    assert not technique.DOES.endswith(".")


def test_it_is_smaller_and_answers_nearly_the_same(
    compress: Compress, parent: Parent, climbed: Climbed, tmp_path: Path
) -> None:
    """Of most rows, and not by being the same model."""
    made = compress()
    texts = [climbed.site.data.texts[row] for row in climbed.site.data.split.validation]
    found = KINDS.member(made.kind).predictor(made.model).outputs(texts).logits
    expected = KINDS.member("encoder").predictor(parent.model).outputs(texts).logits
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) >= 0.8
    assert not np.array_equal(found, expected)
    before, size = (
        weights_size(each, tmp_path / name)
        for name, each in (("before", Compressed("encoder", parent.model)), ("after", made))
    )
    assert size < 0.85 * before, "a tiny encoder has few weights beside its norms and scales"


def test_it_says_whether_it_leaves_an_encoder(technique: ModuleType, compress: Compress) -> None:
    """Only that can be made smaller again."""
    if technique.LEAVES_ENCODER:
        assert compress().kind == "encoder"
    else:
        assert compress().kind != "encoder"


def test_the_parent_stays_what_it_was(compress: Compress, parent: Parent) -> None:
    """Bit by bit: it may be in use."""
    encoder = pretrained(parent.model.classifier.encoder)
    before = {name: part.clone() for name, part in encoder.state_dict().items()}
    compress()
    assert all((part == before[name]).all() for name, part in encoder.state_dict().items())


def test_twice_gives_the_same_bytes(compress: Compress, tmp_path: Path) -> None:
    """Nothing of the clock or of a generator's state gets in."""
    assert saved(compress(), tmp_path / "one") == saved(compress(), tmp_path / "two")
