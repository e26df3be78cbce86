"""Token vectors as a technique: what they learn, and what they keep of the encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.tiny_encoders import tiny_config
from tests.models.word_pieces import word_pieces

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.bundle.kinds import KINDS
from tunesmith.bundle.static_model import StaticModel
from tunesmith.compress.source import Compressed, Parent, Rows, Work
from tunesmith.compress.techniques import static
from tunesmith.compress.unseen import with_unseen_head
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.models.supervision import Supervision
from tunesmith.runtimes.torch import encode
from tunesmith.tasks import Coding, load_task

WORDS = "apple pear plum fig grape melon peach cherry quince lemon lime berry".split()
UNREAD = ("lime", "berry")
"""Words that no text has."""


@pytest.fixture
def parent() -> Parent:
    """A tiny random BERT under a random head of four labels."""
    torch.manual_seed(0)
    encoder = FlatEncoder(tiny_config("bert")).eval()
    with torch.no_grad():  # as it comes it does little but add its words up
        for part in encoder.parameters():
            part.mul_(3.0) if part.ndim > 1 else part.add_(0.1 * torch.randn_like(part))
    head = LinearHead(32, 4)
    torch.nn.init.normal_(head.weight, std=3.0)
    classifier = EncoderClassifier(encoder, "mean", head, unit_length=True).eval()
    model = EncoderModel(classifier, word_pieces(WORDS), Path("base"), max_seq_length=24)
    return Parent(model, load_task("single_label", {}), Coding(("a", "b", "c", "d")))


@pytest.fixture
def rows() -> Rows:
    """Texts of a few words."""
    random = np.random.default_rng(0)
    words = [word for word in WORDS if word not in UNREAD]
    texts = [" ".join(random.choice(words, random.integers(2, 9))) for _ in range(400)]
    return Rows("rows.csv", fitted=texts[:300], held=texts[300:], targets=np.zeros(100, dtype=np.int64))


def made(parent: Parent, rows: Rows, **options: float) -> StaticModel:
    """What the technique makes of the parent."""
    found: Compressed = static.compress(parent, rows, options=static.Options(**options), work=Work(max_loss=1.0))
    assert found.kind == "static"
    model = found.model
    assert isinstance(model, StaticModel)
    return model


def said(parent: Parent, model: StaticModel, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of both."""
    ours, theirs = (
        KINDS.member(kind).predictor(each).outputs(texts).logits
        for kind, each in (("encoder", parent.model), ("static", model))
    )
    return torch.from_numpy(ours), torch.from_numpy(theirs)


def alike(parent: Parent, model: StaticModel, texts: list[str]) -> float:
    """Share of texts that both answer alike."""
    ours, theirs = said(parent, model, texts)
    return float((ours.argmax(dim=1) == theirs.argmax(dim=1)).float().mean())


def apart(parent: Parent, model: StaticModel, texts: list[str]) -> float:
    """Mean divergence of the model from its parent."""
    return float(load_likelihood("softmax").divergence(*said(parent, model, texts)).mean())


def test_it_learns_to_answer_as_its_parent(parent: Parent, rows: Rows) -> None:
    """On texts it was not taught, better than the vectors that it began with."""
    began, ended = (made(parent, rows, epochs=epochs, width=32) for epochs in (0, 20))
    assert alike(parent, ended, list(rows.held)) > 0.85
    assert apart(parent, ended, list(rows.held)) < 0.75 * apart(parent, began, list(rows.held))


def test_it_learns_to_see_as_its_parent(parent: Parent, rows: Rows) -> None:
    """What its head sees of texts that it was not taught comes nearer to what the parent's does."""
    texts = list(rows.held)
    wanted = encode(parent.model.classifier, parent.model.tokens(texts))
    began, ended = (made(parent, rows, epochs=epochs, width=32) for epochs in (0, 20))
    before, after = (np.square(each.features(each.tokens(texts)) - wanted).mean() for each in (began, ended))
    assert after < 0.75 * before, "taught the answers alone, it is 1.1 times as far as before"


def test_words_that_no_text_has_keep_what_they_began_with(parent: Parent, rows: Rows) -> None:
    """What the encoder makes of each alone; what stands around every text begins at zero."""
    before, after = (made(parent, rows, epochs=epochs, width=32) for epochs in (0, 3))
    unread = [parent.model.tokenizer.token_to_id(word) for word in UNREAD]
    assert np.array_equal(before.table[unread], after.table[unread])
    read = parent.model.tokenizer.token_to_id("apple")
    assert not np.array_equal(before.table[read], after.table[read])
    alone = parent.model.tokens(["lime"])
    encoder = EncoderClassifier(parent.encoder, "mean", LinearHead(32, 4), unit_length=False).eval()
    wanted = encode(encoder, alone)[0]
    found = before.table[unread[0]] * before.scale[unread[0]]
    np.testing.assert_allclose(found, wanted, atol=1.01 * before.scale[unread[0]])
    assert not before.table[parent.model.tokenizer.token_to_id("[CLS]")].any()


def test_fewer_numbers_do_nearly_as_well(parent: Parent, rows: Rows) -> None:
    """Along the principal directions of the texts, where the parent's head still fits."""
    began = said(parent, made(parent, rows, epochs=0, width=31), list(rows.held))[1].argmax(dim=1)
    as_wide = said(parent, made(parent, rows, epochs=0, width=32), list(rows.held))[1].argmax(dim=1)
    assert (began == as_wide).float().mean() > 0.95, "all but the least direction, before anything is learnt"
    model = made(parent, rows, epochs=20, width=12)
    assert model.table.shape[1] == 12
    assert model.weight.shape == (4, 12)
    assert alike(parent, model, list(rows.held)) > 0.8


def test_further_texts_are_learnt_from(parent: Parent, rows: Rows) -> None:
    """Words that only they have learn too."""
    more = replace(rows, more=[f"{text} lime berry" for text in rows.fitted[:50]])
    lime = parent.model.tokenizer.token_to_id("lime")
    without, with_more = (made(parent, each, epochs=3) for each in (rows, more))
    assert not np.array_equal(without.table[lime], with_more.table[lime])


def test_a_head_is_solved_without_the_rows_held_out(parent: Parent, rows: Rows) -> None:
    """Its features are kept; what those rows were fitted to decides its answers, and the parent stays as it was."""
    first = encode(parent.model.classifier, parent.model.tokens(list(rows.fitted)))[:, 0]
    wanted = (first > np.median(first)).astype(np.int64)
    before = parent.model.classifier.head.weight.detach().clone()
    found = with_unseen_head(parent, rows, Supervision(load_likelihood("softmax"), 4, wanted), work=Work(max_loss=1.0))
    logits = torch.from_numpy(KINDS.member("encoder").predictor(found.model).outputs(list(rows.fitted)).logits)
    assert np.mean(logits.argmax(dim=1).numpy() == wanted) > 0.95
    assert logits.softmax(dim=1).amax(dim=1).mean() > 0.8, "a penalty that suits leaves it sure"
    assert torch.equal(parent.model.classifier.head.weight, before)
    assert found.features is not None
    kept = made(found, rows, epochs=1)
    afresh = made(replace(found, features=None), rows, epochs=1)
    assert np.array_equal(kept.table, afresh.table)
