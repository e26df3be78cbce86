"""A cascade: which stage answers a text, and what it may change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.compress.tiny_parents import random_parent, random_texts, rows_of

from tunesmith.bundle.kinds import KINDS
from tunesmith.bundle.kinds.cascade import Cascade, CascadePredictor
from tunesmith.compress.source import Compressed, Floats, Parent, Rows, Work
from tunesmith.compress.techniques import cascade
from tunesmith.errors import ConfigError
from tunesmith.tasks import Calibration, Coding, load_task


@pytest.fixture
def parent() -> Parent:
    """A tiny random encoder of a temperature of its own."""
    return replace(random_parent(), calibration=Calibration(0.7))


@pytest.fixture
def rows() -> Rows:
    """Texts to learn from, and others to be held to."""
    return replace(rows_of(random_texts(150)), held=random_texts(100, seed=1))


def made(parent: Parent, rows: Rows, *, max_loss: float, stages: tuple[str, ...] = ("static", "full")) -> Compressed:
    """What the technique makes of the parent."""
    return cascade.compress(parent, rows, options=cascade.Options(stages=stages), work=Work(max_loss))


def said(found: Compressed, texts: list[str]) -> Floats:
    """Logits of a compressed model."""
    logits: Floats = KINDS.member(found.kind).predictor(found.model).outputs(texts).logits
    return logits


def by_hand(model: Cascade, texts: list[str]) -> Floats:
    """What a cascade of two stages is to say: the first where its margin suffices, the second elsewhere."""
    first, last = (
        KINDS.member(stage.kind).predictor(each).outputs(texts).logits / stage.temperature
        for stage, each in zip(model.stages, model.models, strict=True)
    )
    shares = np.exp(first - first.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    second_best, best = np.sort(shares, axis=1)[:, -2:].T
    is_sure = best - second_best >= model.stages[0].least_margin
    assert 0 < is_sure.sum() < len(texts), "one stage answers all"
    logits: Floats = np.where(is_sure[:, None], first, last) * model.stages[1].temperature
    return logits


def test_a_text_is_passed_on_until_a_stage_is_sure(parent: Parent, rows: Rows) -> None:
    """Each row has the logits of the stage that it stops at, on the scale of the last."""
    found = made(parent, rows, max_loss=1.0)
    texts = list(rows.held)
    np.testing.assert_allclose(said(found, texts), by_hand(found.model, texts), rtol=1e-4, atol=1e-5)
    assert found.cascade == found.model.stages
    assert [stage.kind for stage in found.model.stages] == ["static", "encoder"]
    assert found.model.stages[1].temperature == 0.7


def test_the_last_stage_is_asked_for_the_rest_alone(parent: Parent, rows: Rows) -> None:
    """And not at all where there is no rest."""
    found = made(parent, rows, max_loss=1.0)
    first, last = (
        KINDS.member(stage.kind).predictor(each)
        for stage, each in zip(found.model.stages, found.model.models, strict=True)
    )
    asked: list[int] = []

    class Counting:
        sees = last.sees

        def outputs(self, texts: list[str], **how: object) -> object:
            asked.append(len(texts))
            return last.outputs(texts)

    predictor = CascadePredictor([first, Counting()], found.model)  # type: ignore[list-item]
    texts = list(rows.held)
    predictor.outputs(texts)
    assert 0 < asked[0] < len(texts)
    seen = predictor.seen(texts)
    np.testing.assert_array_equal(seen.logits, predictor.outputs(texts).logits)
    assert seen.features.shape == (len(texts), found.model.models[0].table.shape[1])
    sure = replace(found.model, stages=(found.cascade[0].model_copy(update={"least_margin": 0.0}), found.cascade[1]))
    asked.clear()
    CascadePredictor([first, Counting()], sure).outputs(texts)  # type: ignore[list-item]
    assert asked == []


def test_all_stages_speak_on_the_scale_of_the_last(parent: Parent, rows: Rows) -> None:
    """A stage between divides by its own temperature: here it answers all, at twice that of the last."""
    found = made(parent, rows, max_loss=1.0).model
    first, last = found.stages
    never, always = {"least_margin": 2.0}, {"least_margin": 0.0, "temperature": 2.0 * last.temperature}
    stages = (first.model_copy(update=never), last.model_copy(update=always), last)
    three = replace(found, models=(*found.models, found.models[1]), stages=stages)
    texts = list(rows.held)
    whole = KINDS.member("encoder").predictor(found.models[1]).outputs(texts).logits
    between = KINDS.member("cascade").predictor(three).outputs(texts).logits
    np.testing.assert_allclose(between, 0.5 * whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("max_loss", [0.0, 2.0, 10.0])
def test_no_more_answers_change_than_may(parent: Parent, rows: Rows, max_loss: float) -> None:
    """Twice the share that may be lost; the more may change, the more the first stage answers."""
    found = made(parent, rows, max_loss=max_loss)
    texts = list(rows.held)
    ours = KINDS.member("encoder").predictor(parent.model).outputs(texts).logits.argmax(axis=1)
    assert np.mean(said(found, texts).argmax(axis=1) != ours) <= 2 * max_loss / 100 + 1e-9
    shares = [int(note.split("answers ")[1].split(" %")[0]) for note in found.notes[:1]]
    if max_loss == 10.0:
        assert shares[0] > int(made(parent, rows, max_loss=0.0).notes[0].split("answers ")[1].split(" %")[0])


def test_how_many_answers_change_can_be_told_apart_from_the_loss(parent: Parent, rows: Rows) -> None:
    """None may, whatever may be lost."""
    options = cascade.Options(stages=("static", "full"), changed=0.0)
    strict = cascade.compress(parent, rows, options=options, work=Work(max_loss=50.0))
    assert strict.cascade == made(parent, rows, max_loss=0.0).cascade


def test_stages_that_cannot_be_are_refused(parent: Parent, rows: Rows) -> None:
    """A cascade, a search, the model itself but as the last, no technique at all; and answers without sureness."""
    for stages in (("static", "cascade"), ("auto", "full"), ("full", "int8")):
        with pytest.raises(ConfigError, match="cannot stand there") as caught:
            made(parent, rows, max_loss=1.0, stages=stages)
        assert caught.value.code == "bad-option"
    with pytest.raises(ConfigError, match="no technique 'int4'"):
        made(parent, rows, max_loss=1.0, stages=("int4", "full"))
    numbers = replace(parent, task=load_task("score", {}), coding=Coding())
    with pytest.raises(ConfigError, match="task score") as caught:
        made(numbers, rows, max_loss=1.0)
    assert caught.value.code == "cascade-unsure"
