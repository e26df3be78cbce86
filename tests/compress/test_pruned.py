"""Pruning: what is left out, what becomes of the vocabulary, and the folder that comes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.compress.tiny_parents import WORDS, random_parent, random_texts, rows_of
from tests.ladder.tiny_climb import Told
from tokenizers import Tokenizer, models
from transformers import AutoModel, AutoTokenizer

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.bundle.kinds.encoder import save
from tunesmith.compress import distilling
from tunesmith.compress.distilling import lesson_of
from tunesmith.compress.importance import least_important_layer, neuron_importance
from tunesmith.compress.source import Compressed, Parent, Work
from tunesmith.compress.techniques import pruned
from tunesmith.errors import ConfigError, GateError
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.tokenizers import load_tokenizer
from tunesmith.runtimes.torch import logits

OTHERS = random_texts(100, seed=1)
FEW = WORDS[:8]


@pytest.fixture
def parent() -> Parent:
    """Of three layers with 48 neurons each."""
    return random_parent(num_hidden_layers=3)


def made_of(parent: Parent, texts: list[str] | None = None, **options: object) -> Compressed:
    """A pruned model that has learnt on two hundred texts."""
    asked = {"epochs": 6.0, "learning_rate": 2e-3, "batch_tokens": 128, "vocabulary": "keep", **options}
    rows = rows_of(texts or random_texts(200))
    return pruned.compress(parent, rows, options=pruned.Options.model_validate(asked), work=Work(5.0))


def apart(parent: Parent, model: EncoderModel, texts: list[str] = OTHERS) -> float:
    """How far a model's answers are from the parent's, in shares of their size."""
    expected, found = (logits(each.classifier, each.tokens(texts)) for each in (parent.model, model))
    return float(np.square(found - expected).mean() / np.square(expected - expected.mean(axis=0)).mean())


def test_neurons_go_and_the_rest_learns(parent: Parent) -> None:
    """Half of each layer's, a multiple of eight; on other texts the rest comes nearer to the parent than it was."""
    untaught, made = made_of(parent, learning_rate=1e-12), made_of(parent)
    assert made.kind == "encoder"
    assert made.model.classifier.encoder.config.intermediate_size == 24
    assert apart(parent, made.model) < 0.5 * apart(parent, untaught.model)
    assert made.notes[0] == "24 of 48 feed-forward neurons of each layer kept"
    assert "taught by the model before on 200 texts" in made.notes[1]
    assert made_of(parent, neurons=0.51).model.classifier.encoder.config.intermediate_size == 32


def test_neurons_that_do_nothing_go_first(parent: Parent) -> None:
    """Half of them give nothing; without those the answers stay what they were."""
    silent = torch.arange(48) % 2 == 0
    with torch.no_grad():
        for layer in parent.encoder.layers:
            layer.get_parameter("shrink.weight")[:, silent] *= 1e-6
    lesson = lesson_of(parent, rows_of(random_texts(50)), Work(5.0))
    for importance in neuron_importance(parent, parent.encoder, lesson, seed=0):
        assert importance[silent].max() < 1e-3 * importance[~silent].min()
    made = made_of(parent, learning_rate=1e-12)
    assert apart(parent, made.model) < 1e-6


def test_importance_is_what_leaving_a_neuron_out_does(parent: Parent) -> None:
    """By the order of what is measured without each neuron of a layer, one at a time; the encoder stays as it was."""
    before = {name: tensor.clone() for name, tensor in parent.encoder.state_dict().items()}
    lesson = lesson_of(parent, rows_of(random_texts(100)), Work(5.0))
    expected = []
    shrink = parent.encoder.layers[2].get_parameter("shrink.weight")
    for number in range(48):
        column = shrink[:, number].detach().clone()
        with torch.no_grad():
            shrink[:, number] = 0.0
            moved = lesson_of(parent, rows_of(random_texts(100)), Work(5.0)).features - lesson.features
            shrink[:, number] = column
        expected.append(float(moved.square().sum()))
    found = neuron_importance(parent, parent.encoder, lesson, seed=0)[2]
    ranks = [np.argsort(np.argsort(values)) for values in (expected, found.numpy())]
    assert np.corrcoef(*ranks)[0, 1] > 0.8
    assert all(torch.equal(tensor, before[name]) for name, tensor in parent.encoder.state_dict().items())
    assert not any(part._forward_pre_hooks for part in parent.encoder.modules())


def test_the_layer_that_does_least_goes_first(parent: Parent) -> None:
    """One layer adds next to nothing; the model without it answers as before."""
    with torch.no_grad():
        layer = parent.encoder.layers[1]
        for name in ("attention_out", "shrink"):
            for part in layer.get_submodule(name).parameters():
                part.mul_(1e-4)
        for name in ("attention_norm", "output_norm"):
            layer.get_parameter(f"{name}.weight").fill_(1.0)
            layer.get_parameter(f"{name}.bias").zero_()
        for name in ("weight", "bias"):  # what it is given has been normalised to this already
            below = parent.encoder.layers[0].get_parameter(f"output_norm.{name}")
            below.fill_(1.0 if name == "weight" else 0.0)
    lesson = lesson_of(parent, rows_of(random_texts(50)), Work(5.0))
    assert least_important_layer(parent, parent.encoder, lesson) == 1
    made = made_of(parent, layers=2, neurons=1.0, learning_rate=1e-12)
    assert made.notes[0] == "layers 0, 2 of 3 kept, counted from 0"
    assert apart(parent, made.model) < 1e-3


def test_what_leaves_nothing_out_is_refused(parent: Parent) -> None:
    """All neurons, all layers, all words."""
    with pytest.raises(ConfigError, match="leave nothing out") as caught:
        made_of(parent, neurons=1.0, layers=3)
    assert caught.value.code == "bad-setting"


def test_words_that_are_not_used_go_and_others_answer_as_before(parent: Parent) -> None:
    """Bit by bit on texts of words that were seen; one that was not is spelled, and nothing has to be learnt."""
    seen = [text for text in random_texts(400) if set(text.split()) <= set(FEW)]
    made = made_of(parent, seen, neurons=1.0, vocabulary="trim", pieces=1)
    assert len(made.notes) == 1
    before, after = parent.model.tokenizer, made.model.tokenizer
    assert made.notes[0] == f"{after.get_vocab_size()} of {before.get_vocab_size()} word pieces kept"
    assert after.get_vocab_size() == before.get_vocab_size() - (len(WORDS) - len(FEW))
    assert len(made.model.classifier.encoder.word_vectors()) == after.get_vocab_size()
    assert apart(parent, made.model, seen) == 0.0
    dropped = next(word for word in WORDS if word not in FEW)
    assert after.encode(dropped).tokens == ["[CLS]", dropped[0], *(f"##{c}" for c in dropped[1:]), "[SEP]"]


def test_common_words_fill_up(parent: Parent) -> None:
    """To as many as are wanted."""
    size = parent.model.tokenizer.get_vocab_size()
    made = made_of(parent, FEW, neurons=1.0, vocabulary="trim", pieces=size - 1)
    assert made.model.tokenizer.get_vocab_size() == size - 1
    same = made_of(parent, FEW, vocabulary="trim", pieces=size)
    assert "the vocabulary stays as it is: its pieces are used" in " ".join(same.notes)
    assert same.model.tokenizer is parent.model.tokenizer


def test_a_vocabulary_that_cannot_be_cut_stays(parent: Parent) -> None:
    """Told with the reason."""

    def told_with(tokenizer: Tokenizer, other: Parent = parent) -> str:
        changed = replace(other, model=replace(other.model, tokenizer=tokenizer))
        made = made_of(changed, ["fig fig"] * 20, vocabulary="trim", pieces=1, epochs=0.1)
        assert made.model.tokenizer is tokenizer
        return " ".join(made.notes)

    ours = parent.model.tokenizer
    vocabulary = {piece: number for piece, number in ours.get_vocab().items() if piece != "##q"}
    vocabulary["aq"] = ours.get_vocab()["##q"]
    fragile = Tokenizer.from_str(ours.to_str())
    fragile.model = models.WordPiece(vocab=vocabulary, unk_token="[UNK]")
    assert 'not every character of "aq" has a piece of its own' in told_with(fragile)
    by_words = Tokenizer.from_str(ours.to_str())
    by_words.model = models.WordLevel(vocab=ours.get_vocab(), unk_token="[UNK]")
    assert "it is no WordPiece" in told_with(by_words)
    assert "counted from the number of its padding" in told_with(ours, random_parent(model_type="roberta"))
    larger = Tokenizer.from_str(ours.to_str())
    larger.add_tokens(["something"])
    assert "tokens that the encoder has no vector for" in told_with(larger)


@pytest.mark.parametrize("lost", ["##e", "fig"])
def test_a_vocabulary_that_reads_otherwise_does_not_pass(
    parent: Parent, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """A character is missing, or a word that the texts use: planted, as no choice of ours leaves them out."""
    choose = pruned.pieces_to_keep

    def spoilt(tokenizer: Tokenizer, used: object, *, at_least: int) -> list[int]:
        return [n for n in choose(tokenizer, used, at_least=at_least) if n != tokenizer.token_to_id(lost)]  # type: ignore[arg-type]

    monkeypatch.setattr(pruned, "pieces_to_keep", spoilt)
    with pytest.raises(GateError, match="read otherwise") as caught:
        made_of(parent, ["fig fig"] * 20, vocabulary="trim", pieces=1)
    assert caught.value.code == "vocabulary-unsafe"


def test_what_matters_is_measured_on_no_more_rows_than_are_needed(
    parent: Parent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some at random; at least one."""
    told: list[str] = []
    monkeypatch.setattr(distilling, "_MOST_TOKENS", 50)
    options = pruned.Options(epochs=0.1, vocabulary="keep")
    pruned.compress(parent, rows_of(random_texts(200)), options=options, work=Work(5.0, narrator=Told(told)))
    measured = next(line for line in told if "what matters least" in line)
    assert 3 < int(measured.split()[2]) < 20


def test_its_folder_is_read_by_others(tmp_path: Path) -> None:
    """Transformers computes the same from the same texts; numbers of special tokens are the new ones everywhere."""
    parent = random_parent(num_hidden_layers=2)
    (base := tmp_path / "base").mkdir()
    before = parent.model.tokenizer
    config = {**parent.encoder.config.hf, "bos_token_id": 2, "eos_token_id": 3}
    (base / "config.json").write_text(json.dumps(config), "utf-8")
    special = {str(before.token_to_id(name)): {"content": name, "special": True} for name in ("[PAD]", "fig")}
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "added_tokens_decoder": special}
    (base / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    parent = replace(parent, model=replace(parent.model, base_folder=base))
    made = made_of(parent, ["fig fig"] * 20, vocabulary="trim", pieces=1)
    (folder := tmp_path / "out").mkdir()
    save(folder, made.model)
    config = read_encoder_config(folder)
    assert (config.intermediate_size, config.vocab_size) == (24, made.model.tokenizer.get_vocab_size())
    assert "bos_token_id" not in json.loads((folder / "config.json").read_text("utf-8"))
    told = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))["added_tokens_decoder"]
    now = {number: token["content"] for number, token in told.items()}
    assert now == {str(made.model.tokenizer.token_to_id(name)): name for name in ("[PAD]", "fig")}
    assert now.keys() != special.keys()
    texts = ["fig", "melon fig and quince"]
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    theirs = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True).eval()
    ours = load_encoder(folder, config)
    for text in texts:
        inputs = tokenizer(text, return_tensors="pt")
        tokens = replace(made.model, tokenizer=load_tokenizer(folder)).tokens([text])
        assert inputs["input_ids"][0].tolist() == tokens.input_ids.tolist()
        with torch.inference_mode():
            found = theirs(**inputs).last_hidden_state.mean(dim=1)
            classifier = made.model.classifier.with_encoder(ours)
            torch.testing.assert_close(
                classifier.head(torch.nn.functional.normalize(found, dim=1)),
                torch.from_numpy(logits(classifier, tokens)),
                rtol=1e-4,
                atol=1e-4,
            )
