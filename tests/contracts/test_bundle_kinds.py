"""Every kind of bundle, enrolled by import, keeps its family's promises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from shutil import copytree
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest
from tests.contracts.conftest import Climbed

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.bundle.kinds import COMMON_FILES, KINDS, Outputs, files_of
from tunesmith.bundle.kinds.cascade import Cascade
from tunesmith.bundle.load import load_bundle
from tunesmith.bundle.save import RECORD, save_bundle
from tunesmith.bundle.schema import Facts, Kind, RuntimeFacts, StageFacts, TokenFacts
from tunesmith.bundle.shared_bases import share_base
from tunesmith.errors import ArtifactError
from tunesmith.files.manifest import write_manifest
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.quantized_encoder import quantize_encoder
from tunesmith.runtimes.engines import ENGINES
from tunesmith.runtimes.ranges import column_ranges

MADE_FROM = {"runtime": "encoder", "cascade": "encoder"}
"""Kinds that no rung lands in."""
LONG = "barin kedal stapek trerin vodal bapek kerin lodal " * 40


@dataclass(frozen=True)
class Made:
    """A kind of bundle with a model of it, what its bundle says of itself, and texts to ask it."""

    member: ModuleType
    model: Any
    facts: Facts
    texts: list[str]

    def outputs(self, texts: list[str] | None = None) -> Outputs:
        """What the model in memory says."""
        found: Outputs = self.member.predictor(self.model).outputs(self.texts if texts is None else texts)
        return found


def ways_to_run() -> list[str]:
    """Each runtime with what it multiplies."""
    return [f"runtime {name} {products}" for name in ENGINES.names() for products in ENGINES.member(name).PRODUCTS]


@pytest.fixture(params=[*(name for name in KINDS.names() if name != "runtime"), *ways_to_run()])
def made(request: pytest.FixtureRequest, climbed: Climbed) -> Made:
    """A model of each kind, from the first rung that lands in it, or that it is made from; run in each way."""
    kind, *way = request.param.split()
    landings = [landing for landing in climbed.site.landings.values() if landing.kind == MADE_FROM.get(kind, kind)]
    assert landings, f"no rung lands in the kind {kind}"
    data = climbed.site.data
    texts = ["", LONG, *(data.texts[row] for row in data.split.validation[:20])]
    model, facts = landings[0].model, climbed.facts(landings[0])
    if kind == "runtime":
        runtime = RuntimeFacts.model_validate(dict(zip(("name", "precision"), way, strict=True)))
        model = replace(rounded(model, [data.texts[row] for row in data.split.train]), runtime=runtime)
        facts = facts.model_copy(update={"kind": kind, "runtime": runtime})
    if kind == "cascade":
        model = in_turn(climbed)
        facts = facts.model_copy(update={"kind": kind, "cascade": model.stages})
    return Made(KINDS.member(kind), model, facts, texts)


def rounded(model: EncoderModel, texts: list[str]) -> EncoderModel:
    """The same model in whole numbers."""
    encoder = model.classifier.encoder
    assert isinstance(encoder, FlatEncoder)
    made = quantize_encoder(encoder, column_ranges(model.classifier, model.tokens(texts)))
    return replace(model, classifier=model.classifier.with_encoder(made).eval())


def in_turn(climbed: Climbed) -> Cascade:
    """Averaged token vectors before an encoder; the first answers some of the rows."""
    first, last = (
        next(landing.model for landing in climbed.site.landings.values() if landing.kind == kind)
        for kind in ("static", "encoder")
    )
    stages = tuple(
        StageFacts(
            kind=kind,
            tokens=TokenFacts(
                max_seq_length=model.max_seq_length, pooling=model.pooling, unit_length=True, pairing=model.pairing
            ),
            temperature=temperature,
            least_margin=margin,
        )
        for kind, model, temperature, margin in (("static", first, 0.5, 0.3), ("encoder", last, 2.0, None))
    )
    return Cascade((first, last), stages, climbed.site.task, None)


@pytest.fixture
def bundle(made: Made, tmp_path: Path) -> Path:
    """A whole bundle of the kind."""
    folder = tmp_path / "tickets.model"
    beside(made, folder)
    save_bundle(
        folder,
        made.model,
        made.facts,
        probe_texts=made.texts,
        probe_logits=made.outputs().logits,
        extra_files={"README.md": "card", "report.html": "<p>"},
        costs={},
    )
    return folder


def beside(made: Made, folder: Path) -> None:
    """Put the base model beside a bundle whose kind asks for that."""
    if made.member.SHARES_BASE:
        share_base(made.model.base_folder, folder.parent)


def written(made: Made, folder: Path) -> dict[str, bytes]:
    """Save the model into a new folder, beside it the base where it shares one; what lies in the folder then."""
    folder.mkdir()
    beside(made, folder)
    made.member.save(folder, made.model)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_description_names_every_kind_and_no_other() -> None:
    """A kind that ``tunesmith.json`` cannot name could be saved and never loaded; each has its schema."""
    assert sorted(get_args(Kind)) == list(KINDS.names())
    for name in KINDS.names():
        assert (files("tunesmith") / "schemas" / f"bundle-{name}.json").is_file()


def test_saving_writes_the_files_of_the_kind(made: Made, tmp_path: Path) -> None:
    """All of them and no others, none of which is a file of every bundle."""
    assert sorted([*written(made, tmp_path / "saved"), *COMMON_FILES]) == sorted(files_of(made.facts))
    assert len(set(files_of(made.facts))) == len(files_of(made.facts))


def test_saving_again_writes_the_same_bytes(made: Made, tmp_path: Path) -> None:
    """Nothing of the clock, the place or the order of a set gets into a file."""
    assert written(made, tmp_path / "one") == written(made, tmp_path / "two")


def test_a_loaded_model_answers_as_it_did(made: Made, tmp_path: Path) -> None:
    """Of any text, the empty one and one of many windows among them, with the tokens and windows that it had."""
    written(made, tmp_path / "saved")
    found, expected = made.member.load(tmp_path / "saved", made.facts).outputs(made.texts), made.outputs()
    np.testing.assert_allclose(found.logits, expected.logits, rtol=1e-5, atol=1e-5)
    for told, before in ((found.n_tokens, expected.n_tokens), (found.n_windows, expected.n_windows)):
        assert (told is None) is (before is None) is (made.facts.tokens is None)
        np.testing.assert_array_equal(told, before)
    if expected.n_windows is not None:
        assert expected.n_windows[0] == 1 < expected.n_windows[1]
    assert np.abs(np.diff(expected.logits, axis=0)).max() > 1e-2, "texts that are all answered alike prove nothing"


def test_what_is_seen_goes_with_what_is_said(made: Made) -> None:
    """The same logits, and features that are equal where texts are and unlike where they are not; of no text none.

    Tolerance: the head is applied to all rows at once, not to those of each pass.
    """
    predictor = made.member.predictor(made.model)
    texts = [*made.texts[1:], made.texts[1]]
    seen = predictor.seen(texts)
    assert (seen.features.dtype, seen.logits.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(seen.logits, made.outputs(texts).logits, rtol=1e-4, atol=1e-4)
    assert seen.features.shape == (len(texts), predictor.seen([]).features.shape[1])
    np.testing.assert_allclose(seen.features[0], seen.features[-1], rtol=1e-4, atol=1e-4)
    assert (np.linalg.norm(seen.features, axis=1) > 0.1).all()
    away = seen.features - seen.features.mean(axis=0)  # what all texts share tells none apart
    norms = np.linalg.norm(away, axis=1)
    cosines = away[1:-1] @ away[0] / norms[1:-1] / norms[0]
    assert cosines.max() < 0.999
    assert predictor.sees


def test_answers_come_in_the_order_of_the_texts(made: Made) -> None:
    """Each as when it is asked alone, and none where none are asked; progress runs to its end.

    Tolerance: alone a text has other neighbours in its pass, so sums are added up in another order.
    """
    told: list[tuple[int, int]] = []
    forwards = made.member.predictor(made.model).outputs(made.texts, progress=lambda *at: told.append(at))
    assert told
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > 0
    assert forwards.logits.shape == (len(made.texts), len(made.facts.labels))
    assert forwards.logits.dtype == np.float32
    alone = np.concatenate([made.outputs([text]).logits for text in made.texts])
    np.testing.assert_allclose(alone, forwards.logits, rtol=1e-4, atol=1e-4)
    assert made.outputs([]).logits.shape == (0, len(made.facts.labels))


def test_a_lost_file_is_refused(made: Made, bundle: Path, tmp_path: Path) -> None:
    """Each by its name, be it that the manifest misses it or that somebody made the manifest anew."""
    assert load_bundle(bundle).facts == made.facts
    for number, name in enumerate(files_of(made.facts)[: -len(COMMON_FILES)]):
        damaged = copytree(bundle, tmp_path / f"damaged-{number}")
        (damaged / name).unlink()
        with pytest.raises(ArtifactError, match=name):
            load_bundle(damaged)
        write_manifest(damaged, record=RECORD)
        with pytest.raises(ArtifactError, match=name) as caught:
            load_bundle(damaged)
        assert caught.value.code == "bundle-incomplete"


def test_a_strange_file_is_refused(bundle: Path) -> None:
    """A manifest that vouches for it is no proof that it belongs there."""
    (bundle / "modeling_x.py").write_text("import os", "utf-8")
    write_manifest(bundle, record=RECORD)
    with pytest.raises(ArtifactError, match=r"modeling_x\.py") as caught:
        load_bundle(bundle)
    assert caught.value.code == "file-unexpected"


@pytest.mark.parametrize("by", [-1, 1])
def test_weights_of_other_labels_are_refused(made: Made, tmp_path: Path, by: int) -> None:
    """A label that is never answered, or an answer without a label, means that the files are of two models."""
    written(made, tmp_path / "saved")
    labels = made.facts.labels[:by] if by < 0 else (*made.facts.labels, "one more")
    with pytest.raises(ArtifactError, match=str(len(made.facts.labels))) as caught:
        made.member.load(tmp_path / "saved", made.facts.model_copy(update={"labels": labels}))
    assert caught.value.code == "head-differs"
