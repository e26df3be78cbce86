"""What a method has put beside an encoder goes along: in the weights where that can be, else in the graph."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.contracts.conftest import BESIDE, Climbed, climbed
from tests.export.test_graph import answered, assert_same
from tests.export.tiny_models import EVERY, TEXTS, tiny_model

from tunesmith.bundle.encoder_model import merged
from tunesmith.bundle.load import load_bundle
from tunesmith.bundle.save import save_bundle
from tunesmith.bundle.schema import MethodFacts
from tunesmith.bundle.shared_bases import share_base
from tunesmith.errors import ConfigError
from tunesmith.export.exporter import export_bundle
from tunesmith.export.place import Place
from tunesmith.export.source import Model, model_of
from tunesmith.export.trial import Given
from tunesmith.models.adaptation import adapted
from tunesmith.models.added import additions
from tunesmith.models.methods import METHODS, load_method
from tunesmith.runtimes.torch import logits

__all__ = ["climbed"]

METHODS_BESIDE = [name for name in METHODS.names() if METHODS.member(name).LEAVES_BASE]


def taught(folder: Path, method: str, model_type: str = "bert") -> Model:
    """A tiny model whose additions do much."""
    model = tiny_model(folder, model_type)
    encoder = adapted(model.encoder.classifier.encoder, load_method(method), seed=0).encoder
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    options = METHODS.options(method).model_dump(mode="json")
    classifier = model.encoder.classifier.with_encoder(encoder).eval()
    return replace(
        model, encoder=replace(model.encoder, classifier=classifier, method=MethodFacts(name=method, options=options))
    )


@pytest.mark.parametrize("method", METHODS_BESIDE)
def test_weights_with_all_worked_in_answer_the_same(method: str, tmp_path: Path) -> None:
    """And have nothing beside them; an adapter stays as it is."""
    model = taught(tmp_path, method).encoder
    plain = merged(model)
    tokens = model.tokens(TEXTS)
    np.testing.assert_allclose(logits(plain.classifier, tokens), logits(model.classifier, tokens), rtol=1e-4, atol=1e-4)
    left = any(True for _ in additions(plain.classifier.encoder))
    assert left is (method == "adapter")
    assert (plain.method is None) is not (method == "adapter")


GRAPHS = list(product(["adapter", "lora"], ["onnx", "openvino"], ["bert", "mpnet"]))
UNLIKE = [("adapter", "onnx", "mpnet"), ("adapter", "openvino", "bert"), ("lora", "onnx", "bert")]


@pytest.mark.parametrize(("method", "target", "model_type"), GRAPHS if EVERY else UNLIKE)
def test_a_graph_holds_what_was_added(method: str, target: str, model_type: str, tmp_path: Path) -> None:
    """In either engine: what the flat one adds is put into the module of transformers first."""
    model = taught(tmp_path / "base", method, model_type)
    model = replace(model, encoder=merged(model.encoder))
    (tmp_path / "out").mkdir()
    assert_same(model, answered(model, tmp_path / "out", target))


@pytest.fixture
def bundle(climbed: Climbed, tmp_path: Path) -> Path:
    """The bundle of a model whose base lies beside it."""
    landing = climbed.landing(BESIDE)
    share_base(landing.model.base_folder, tmp_path)
    save_bundle(
        tmp_path / "beside.model",
        landing.model,
        climbed.facts(landing),
        probe_texts=[],
        probe_logits=np.zeros((0, 3), dtype=np.float32),
        extra_files={"README.md": "card", "report.html": "<p>"},
        costs={},
    )
    return tmp_path / "beside.model"


@pytest.mark.parametrize("target", ["onnx", "sentence_transformers"])
def test_a_bundle_beside_its_base_is_exported(bundle: Path, climbed: Climbed, target: str, tmp_path: Path) -> None:
    """Whole: the export needs no base beside it."""
    given = Given("rows.csv", climbed.site.data.texts)
    opened = load_bundle(bundle)
    place = Place(tmp_path / target)
    found = export_bundle(opened, target, place, given=given, max_loss=0.5, seed=0, told=lambda line: None)
    assert found["whole"]["agreement"] == 1.0
    assert model_of(opened).encoder.method is None


@pytest.mark.parametrize("target", ["transformers", "sentence_transformers"])
def test_what_has_no_place_in_a_format_is_refused(
    climbed: Climbed, bundle: Path, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is written, with those that have one."""
    model = taught(tmp_path / "base", "adapter")
    monkeypatch.setattr("tunesmith.export.exporter.model_of", lambda bundle: model)
    given = Given("rows.csv", climbed.site.data.texts)
    place = Place(tmp_path / target)
    with pytest.raises(ConfigError, match=r"what\sthe\smethod\sadapter\shas\sput\sinto\sthe\sencoder") as caught:
        export_bundle(load_bundle(bundle), target, place, given=given, max_loss=0.5, seed=0, told=lambda line: None)
    assert caught.value.allowed == "onnx, openvino"
    assert not (tmp_path / target).exists()
