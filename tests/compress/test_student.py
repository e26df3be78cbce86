"""A student: what it begins as, what it learns, and the folder that comes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.compress.tiny_parents import random_parent, random_texts, rows_of
from tests.ladder.tiny_climb import Told
from tests.models.tiny_encoders import FLAT, hf_model, packed, padded_outputs, saved
from transformers import AutoModel

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.bundle.kinds.encoder import save
from tunesmith.compress import distilling, narrowing
from tunesmith.compress.activity import activity
from tunesmith.compress.importance import largest
from tunesmith.compress.source import Compressed, Parent, Work
from tunesmith.compress.techniques import student
from tunesmith.errors import ConfigError
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder import pretrained
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.smaller import keep_channels, keep_layers, keep_neurons
from tunesmith.runtimes.torch import logits

OTHERS = random_texts(100, seed=1)


@pytest.fixture
def parent() -> Parent:
    """Of four layers."""
    return random_parent(num_hidden_layers=4)


def made_of(
    parent: Parent, *, work: Work | None = None, more: list[str] | None = None, **options: object
) -> Compressed:
    """A student that has learnt on two hundred texts."""
    asked = student.Options.model_validate({"epochs": 6.0, "learning_rate": 2e-3, "batch_tokens": 128, **options})
    return student.compress(parent, rows_of(random_texts(200), more), options=asked, work=work or Work(5.0))


def apart(parent: Parent, model: EncoderModel) -> float:
    """How far a model's answers are from the parent's on texts that it has not seen, in shares of their size."""
    expected, found = (logits(each.classifier, parent.model.tokens(OTHERS)) for each in (parent.model, model))
    return float(np.square(found - expected).mean() / np.square(expected - expected.mean(axis=0)).mean())


def test_it_has_fewer_layers_and_learns_what_its_parent_answers(parent: Parent) -> None:
    """Half of them; on other texts it comes nearer to the parent than it was; no label is there to be looked at."""
    untaught = made_of(parent, learning_rate=1e-12)
    made = made_of(parent)
    assert made.kind == "encoder"
    assert len(made.model.classifier.encoder.layers) == 2
    assert apart(parent, made.model) < 0.5 * apart(parent, untaught.model)
    assert made.notes[0] == "begun as layers 1, 3 of 4, counted from 0"


def test_it_begins_as_its_parent(parent: Parent) -> None:
    """Tables, pooling and head are the parent's, and each layer is one of its layers; nothing is shared."""
    made = made_of(parent, learning_rate=1e-12, layers=3)
    before, after = parent.encoder.state_dict(), made.model.classifier.encoder.state_dict()
    for name, tensor in after.items():
        old = name.replace("layers.2.", "layers.3.")
        torch.testing.assert_close(tensor, before[old], rtol=0, atol=1e-8)
        assert tensor.data_ptr() != before[old].data_ptr()
    head = parent.model.classifier.head
    torch.testing.assert_close(made.model.classifier.head.weight, head.weight, rtol=0, atol=1e-8)
    assert made.model.classifier.head is not head


def test_tables_stay_as_they_are(parent: Parent) -> None:
    """A dense update of a large table takes as long as the layers do."""
    made = made_of(parent)
    before, after = parent.encoder.embeddings.state_dict(), made.model.classifier.encoder.embeddings.state_dict()
    assert all(torch.equal(tensor, before[name]) for name, tensor in after.items())


def test_a_narrower_one_learns_what_its_parent_answers(parent: Parent) -> None:
    """All layers of half the width, or fewer of them; its tables are not the parent's any more, so they learn too."""
    untaught, made = made_of(parent, width=16, learning_rate=1e-12), made_of(parent, width=16)
    config = made.model.classifier.encoder.config
    assert (config.hidden_size, config.num_hidden_layers, config.intermediate_size) == (16, 4, 24)
    assert made.notes[0] == "begun as all layers; 16 of 32 channels, 2 of 4 heads, those that are largest"
    assert apart(parent, made.model) < 0.5 * apart(parent, untaught.model)
    before, after = (each.model.classifier.encoder.embeddings.word.weight for each in (untaught, made))
    assert not torch.allclose(before, after, atol=1e-4)
    both = made_of(parent, width=16, layers=2)
    assert len(both.model.classifier.encoder.layers) == 2
    assert both.notes[0].startswith("begun as layers 1, 3 of 4, counted from 0; 16 of 32 channels")


def test_a_narrower_one_begins_as_what_is_large(parent: Parent) -> None:
    """Channels, heads and neurons that never say anything are the first to go; the head knows the parent's answers."""
    silent, quiet = [3, 11, 20, 31, *range(4, 10), *range(12, 18)], [5, 40]
    with torch.no_grad():
        for layer in parent.encoder.layers:
            for norm in (layer.attention_norm, layer.output_norm):
                norm.weight[silent] = norm.bias[silent] = 0.0
            layer.qkv.weight[64 + 8 : 64 + 24] = layer.qkv.bias[64 + 8 : 64 + 24] = 0.0  # values of two heads
            layer.grow.weight[quiet] = layer.grow.bias[quiet] = 0.0
    found = activity(parent.encoder, parent.model.tokens(OTHERS))
    kept = largest(found.channels, 16)
    assert kept == [channel for channel in range(32) if channel not in silent]
    assert [largest(each, 2) for each in found.heads] == 4 * [[0, 3]]
    assert all(set(largest(each, 46)).isdisjoint(quiet) for each in found.neurons)
    lesson = distilling.lesson_of(parent, rows_of(OTHERS), Work(5.0))
    begun, told, _ = narrowing.narrowed(parent, parent.encoder, lesson, width=16, seed=0)
    said = begun.head(told.features).argmax(dim=1) == lesson.outputs.argmax(dim=1)
    assert said.float().mean() > 0.9


def test_a_narrower_pooling_that_learns_keeps_its_channels() -> None:
    """Its query is cut as all else is."""
    attentive = random_parent(pooling="attention", num_hidden_layers=2)
    with torch.no_grad():
        attentive.model.classifier.pool.query.normal_()
    lesson = distilling.lesson_of(attentive, rows_of(OTHERS), Work(5.0))
    begun, told, _ = narrowing.narrowed(attentive, attentive.encoder, lesson, width=16, seed=0)
    channels = largest(activity(attentive.encoder, lesson.tokens).channels, 16)
    assert channels != list(range(16))
    torch.testing.assert_close(begun.pool.query, attentive.model.classifier.pool.query[channels])
    torch.testing.assert_close(told.features, torch.nn.functional.normalize(lesson.features[:, channels]))
    untaught, made = made_of(attentive, width=16, learning_rate=1e-12), made_of(attentive, width=16)
    assert apart(attentive, made.model) < apart(attentive, untaught.model)


@pytest.mark.parametrize("width", [32, 40, 12, 4])
def test_a_width_that_heads_do_not_fit_into_is_refused(width: int, parent: Parent) -> None:
    """With those that there are."""
    with pytest.raises(ConfigError, match=rf"width = {width}: not a multiple of 8 below the 32 of the model") as caught:
        made_of(parent, width=width)
    assert caught.value.allowed == "8 to 24, in steps of 8, the width of a head"


def test_a_width_that_word_vectors_have_is_refused() -> None:
    """No config tells of a map between two widths that are the same."""
    with pytest.raises(ConfigError, match="width = 16: word vectors have the same"):
        made_of(random_parent(model_type="electra"), width=16)


def test_pairs_read_apart_stay_as_wide(parent: Parent) -> None:
    """Their head sees products of both."""
    classifier = parent.model.classifier
    pairs = EncoderClassifier(classifier.encoder, "mean", classifier.head, unit_length=True, pairing="symmetric")
    with pytest.raises(ConfigError, match="texts of pairs are read apart"):
        made_of(replace(parent, model=replace(parent.model, classifier=pairs)), width=16)


def test_a_pooling_that_learns_goes_on_learning() -> None:
    """As the head does, and the parent's stays what it was; one that does not is the parent's."""
    attentive = random_parent(pooling="attention", num_hidden_layers=4)
    before = {name: tensor.clone() for name, tensor in attentive.model.classifier.state_dict().items()}
    made = made_of(attentive)
    after = made.model.classifier.state_dict()
    learnt = [name for name in before if name.startswith(("pool.", "head."))]
    assert len(learnt) > 2
    assert not any(torch.equal(before[name], after[name]) for name in learnt)
    assert all(torch.equal(before[name], tensor) for name, tensor in attentive.model.classifier.state_dict().items())
    assert made_of(random_parent(pooling="max")).model.pooling == "max"


def test_further_texts_teach(parent: Parent) -> None:
    """They are counted, and the student is another."""
    more = random_texts(300, seed=2)
    alone, both = made_of(parent), made_of(parent, more=more)
    assert "on 200 texts, 6.0 passes" in alone.notes[1]
    assert "on 500 texts, 6.0 passes" in both.notes[1]
    assert apart(parent, both.model) < apart(parent, alone.model)


def test_learning_ends_with_the_budget(parent: Parent) -> None:
    """After the steps that tell the pace; what was done is told as it goes and in the end."""
    seen: list[tuple[str, float]] = []

    class Watching(Told):
        """Keeps the progress."""

        def progress(self, stage: str, share: float, left_s: float | None = None) -> None:
            """See ``Narrator``."""
            seen.append((stage, share))

    made = made_of(parent, work=Work(5.0, budget_s=1e-6, narrator=Watching([])), epochs=100.0)
    assert [stage for stage, _ in seen if stage != "encoding texts"] == 12 * ["student"]
    assert seen[-1][1] == 1.0
    assert "100.0 passes" not in made.notes[1]


def test_few_texts_are_read_more_often() -> None:
    """And many at least three times."""
    learning = distilling.Learning()
    assert learning.passes(1_000) == 20.0
    assert 3.0 < learning.passes(200_000) < 20.0
    assert learning.passes(10_000_000) == 3.0
    assert distilling.Learning(epochs=1.5).passes(1_000) == 1.5


def test_layers_lie_evenly() -> None:
    """The last is among them."""
    assert student.layers_kept(6, 3) == [1, 3, 5]
    assert student.layers_kept(12, 4) == [2, 5, 8, 11]
    assert student.layers_kept(6, 5) == [0, 1, 2, 3, 5]
    assert student.layers_kept(3, 1) == [2]


@pytest.mark.parametrize(("there", "wanted"), [(6, 6), (6, 9), (1, 1)])
def test_what_is_not_smaller_is_refused(there: int, wanted: int) -> None:
    """With what there is."""
    with pytest.raises(ConfigError, match=rf"layers = {wanted}: not fewer than the {there}") as caught:
        student.layers_kept(there, wanted)
    assert caught.value.code == "bad-setting"


@pytest.mark.parametrize("narrower", [False, True])
@pytest.mark.parametrize("model_type", FLAT)
def test_its_folder_says_how_many_layers_it_has(model_type: str, narrower: bool, tmp_path: Path) -> None:
    """And how wide, in the architecture's own words: transformers and our loader both compute the student from it."""
    base = saved(hf_model(model_type), tmp_path / "base")
    parent = random_parent(model_type=model_type)
    whole = load_encoder(base, read_encoder_config(base))
    assert isinstance(whole, FlatEncoder)
    small = keep_layers(whole, [1])
    if narrower:
        small = keep_channels(keep_neurons(small, [list(range(36))]), list(range(8, 32)), [[0, 1, 3]])
    head = LinearHead(small.hidden_size, 4)
    classifier = EncoderClassifier(small, "mean", head, unit_length=True)
    model = replace(parent.model, classifier=classifier, base_folder=base)
    (folder := tmp_path / "out").mkdir()
    save(folder, model)
    tokens = packed([5, 9, 9])
    with torch.inference_mode():
        expected = small(tokens)
        theirs = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True).eval()
        found = padded_outputs(theirs, tokens, pad_token_id=small.config.pad_token_id)
        ours = load_encoder(folder, read_encoder_config(folder))(tokens)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours, expected, rtol=0, atol=0)
    assert pretrained(small).config == read_encoder_config(folder)
