"""Techniques one after the other."""

from __future__ import annotations

import time

import pytest
import torch
from tests.compress.tiny_parents import random_parent, random_texts, rows_of

from tunesmith.compress.chain import checked_options, learns, make, name_of, share_s, steps_of
from tunesmith.compress.distilling import with_features
from tunesmith.compress.source import Work
from tunesmith.errors import ConfigError

_ONE_PASS = {"student": {"epochs": 1.0}, "pruned": {"epochs": 1.0, "vocabulary": "keep"}}


def test_names_are_read_and_written() -> None:
    """One technique, or several with a plus between."""
    assert steps_of("int8") == ("int8",)
    assert steps_of(" student + pruned+int8") == ("student", "pruned", "int8")
    assert name_of(steps_of("student+int8")) == "student+int8"


@pytest.mark.parametrize("name", ["int8+student", "static+int8", "student+cascade+int8", "auto+int8"])
def test_what_leaves_no_encoder_is_last(name: str) -> None:
    """Nothing can follow it."""
    with pytest.raises(ConfigError, match="cannot be made smaller again") as caught:
        steps_of(name)
    assert caught.value.code == "technique-not-last"


def test_an_unknown_technique_is_refused() -> None:
    """Wherever it stands; nothing at all is none either."""
    for name in ("student+int4", "", "student+"):
        with pytest.raises(ConfigError) as caught:
            steps_of(name)
        assert caught.value.code == "unknown-technique"


def test_a_chain_learns_where_a_part_does() -> None:
    """Rounding does not."""
    assert not learns(("int8",))
    assert learns(("student", "int8"))


def test_options_are_those_of_the_parts() -> None:
    """Wrong ones are refused; of techniques that take no part none is looked at."""
    given = {"student": {"layers": 1}, "pruned": {"nonsense": 1}}
    assert checked_options(("student", "int8"), given)["student"].layers == 1
    with pytest.raises(ConfigError, match="nonsense"):
        checked_options(("pruned",), given)


def test_each_makes_what_the_one_before_made_smaller() -> None:
    """A student of one layer, with half of its neurons, in whole numbers; all of them say what they did."""
    parent = random_parent()
    made = make(("student", "pruned", "int8"), parent, rows_of(random_texts(60)), work=Work(100.0, options=_ONE_PASS))
    assert made.kind == "runtime"
    assert made.steps == ("student", "pruned", "int8")
    config = made.model.classifier.encoder.config
    there = parent.encoder.config
    assert (config.num_hidden_layers, config.intermediate_size) == (
        there.num_hidden_layers // 2,
        there.intermediate_size // 2,
    )
    told = " ".join(made.notes)
    assert all(part in told for part in ("begun as layer", "feed-forward neurons", "ranges seen"))


def test_what_the_head_saw_is_that_of_the_model_itself() -> None:
    """Known or not, the second of a chain learns from what the first makes of the texts."""
    parent, rows, work = random_parent(), rows_of(random_texts(60)), Work(100.0, options=_ONE_PASS)
    known = with_features(parent, rows, work)
    one, other = (make(("student", "pruned"), each, rows, work=work).model.classifier for each in (parent, known))
    for name, weights in one.state_dict().items():
        torch.testing.assert_close(weights, other.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_those_that_learn_share_the_time() -> None:
    """Evenly; rounding needs none; there is always a second."""
    assert share_s(None, ("student",)) is None
    soon = time.monotonic() + 100.0
    assert share_s(soon, ("student", "pruned", "int8")) == pytest.approx(50.0, abs=1.0)
    assert share_s(soon, ("int8",)) == pytest.approx(100.0, abs=1.0)
    assert share_s(time.monotonic() - 5.0, ("student",)) == 1.0
