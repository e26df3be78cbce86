"""Searching among techniques: what is tried, what beats what, and what is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.compress.tiny_parents import random_parent, random_texts, rows_of

from tunesmith.bundle.kinds import KINDS
from tunesmith.compress import distilling, search
from tunesmith.compress.gate import Judged
from tunesmith.compress.limits import Limits, parse_latency, parse_size
from tunesmith.compress.search import AS_IT_IS, Candidate, Search, best_of, front
from tunesmith.compress.source import Compressed, Parent, Rows, Work
from tunesmith.compress.techniques import auto
from tunesmith.errors import ConfigError, GateError
from tunesmith.tasks import Calibration, Coding, load_task

_ONE_PASS = {"student": {"epochs": 1.0}, "pruned": {"epochs": 1.0, "vocabulary": "keep"}, "static": {"epochs": 3.0}}


@pytest.fixture
def parent() -> Parent:
    """A tiny random encoder."""
    return random_parent()


@pytest.fixture
def rows(parent: Parent) -> Rows:
    """Texts to learn from, and others with the parent's own answers as their labels."""
    held = random_texts(80, seed=1)
    said = KINDS.member("encoder").predictor(parent.model).outputs(held).logits
    return replace(rows_of(random_texts(120)), held=held, targets=said.argmax(axis=1))


@pytest.fixture(autouse=True)
def _weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny parent has no folder to be saved from: each kind has a size of its own."""
    sizes = {"encoder": 8.0, "runtime": 2.0, "static": 1.0, "cascade": 3.0}
    monkeypatch.setattr(search, "_size_mib", lambda made: sizes[made.kind])


def candidate(name: str, *, loss: float = 0.0, size: float = 1.0, ms: float = 1.0, rate: float = 100.0) -> Candidate:
    """A model that was judged and timed."""
    points = {"value": loss, "low": loss - 1.0, "high": loss + 1.0}
    figures = {"loss": {"accuracy": points}, "figures": {"accuracy": {"after": points}}}
    judged = Judged(Calibration(), figures, ())
    costs: dict[str, Any] = {"latency_ms": {"p50": ms, "p95": ms}, "texts_per_second": rate}
    return Candidate(name, Compressed("encoder", None), np.zeros((1, 2), np.float32), judged, size, costs)


def names(found: Sequence[Candidate]) -> list[str]:
    """What they are called."""
    return [each.name for each in found]


def test_what_chains_begin_with_is_made_once(parent: Parent, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is a candidate itself; before each that is good enough the fast one may answer."""
    asked: Counter[str] = Counter()
    make = search.make

    def counting(steps: Sequence[str], *rest: Any, **named: Any) -> Compressed:
        asked.update(steps)
        return make(steps, *rest, **named)

    monkeypatch.setattr(search, "make", counting)
    work = Work(20.0, options=_ONE_PASS)
    trial = Search(parent, rows, work)
    found = trial.candidates([("static",), ("student", "int8"), ("student", "pruned")])
    assert asked == {"static": 1, "student": 1, "int8": 1, "pruned": 1}
    chains = [AS_IT_IS, "static", "student", "student+int8", "student+pruned"]
    assert names(found)[: len(chains)] == chains
    good = [each.name for each in found[: len(chains)] if each.name != "static" and each.loss("accuracy").value <= 20.0]
    assert len(good) < len(chains) - 1, "one of them loses too much, so that nothing could save it"
    assert set(names(found)[len(chains) :]) <= {f"static, then {name}" for name in good}
    assert all(each.costs["texts_per_second"] > 0 for each in found)
    assert found[0].loss("accuracy").value == 0.0
    rounded = next(each.made for each in found if each.name == "student+int8")
    assert rounded.steps == ("student", "int8")
    assert [note.split()[0] for note in rounded.notes][:3] == ["begun", "taught", "ranges"]
    assert trial.left_out == []


def test_the_model_reads_the_texts_once(parent: Parent, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all that learn from it."""
    read: list[object] = []
    encode = distilling.encode
    monkeypatch.setattr(
        distilling, "encode", lambda model, *rest, **how: read.append(model) or encode(model, *rest, **how)
    )
    Search(parent, rows, Work(20.0, options=_ONE_PASS)).candidates([("static",), ("student",), ("pruned",)])
    assert read == [parent.model.classifier]


def test_a_cascade_lets_the_fast_one_answer_some(parent: Parent, rows: Rows) -> None:
    """It is of the models that are there; where the fast one would answer all there is none."""
    work = Work(2.0, options=_ONE_PASS)
    found = {each.name: each for each in Search(parent, rows, work).candidates([("static",)])}
    cascade = found[f"static, then {AS_IT_IS}"]
    assert cascade.made.model.models == (found["static"].made.model, parent.model)
    assert 0.0 <= cascade.loss("accuracy").value <= found["static"].loss("accuracy").value
    assert names(Search(parent, rows, replace(work, max_loss=50.0)).candidates([("static",)])) == [AS_IT_IS, "static"]


def test_answers_that_are_numbers_have_no_cascade(parent: Parent, rows: Rows) -> None:
    """All else is tried as before."""
    classifier = parent.model.classifier
    classifier.head.weight.data, classifier.head.bias.data = (
        classifier.head.weight.data[:1],
        classifier.head.bias.data[:1],
    )
    numbers = replace(parent, task=load_task("score", {}), coding=Coding())
    targets = np.linspace(-1.0, 1.0, len(rows.held)).astype(np.float32)
    found = Search(numbers, replace(rows, targets=targets), Work(100.0, options=_ONE_PASS)).candidates([("static",)])
    assert names(found) == [AS_IT_IS, "static"]


def test_a_chain_that_cannot_be_is_left_out(parent: Parent, rows: Rows) -> None:
    """With all that follows from it, and it is told why; the others are tried."""
    options = {**_ONE_PASS, "student": {"layers": 99}}
    trial = Search(parent, rows, Work(0.0, options=options))
    assert names(trial.candidates([("student", "int8"), ("int8",)])) == [AS_IT_IS, "int8"]
    assert trial.left_out == ["student was left out: layers = 99: not fewer than the 2 of the model"]


def test_what_learns_is_left_out_where_no_time_is_left(parent: Parent, rows: Rows) -> None:
    """Rounding takes no time to speak of."""
    trial = Search(parent, rows, Work(0.0, budget_s=2.0, options=_ONE_PASS))
    assert names(trial.candidates([("int8",), ("student", "int8")])) == [AS_IT_IS, "int8"]
    assert trial.left_out == ["student was left out: no time was left"]


def test_the_front_holds_what_none_beats() -> None:
    """Better in one thing is enough to stay; equals both stay."""
    small, fast = candidate("small", size=0.5), candidate("fast", rate=200.0)
    found = [small, fast, candidate("slow", rate=50.0), candidate("same", size=0.5)]
    assert names(front(found, "accuracy")) == ["small", "fast", "same"]
    assert names(front([small, candidate("worse", size=0.5, loss=0.1)], "accuracy")) == ["small"]
    assert names(front([small, candidate("later", size=0.5, ms=1.1)], "accuracy")) == ["small"]


def test_the_fastest_is_chosen_and_of_equals_the_smallest() -> None:
    """A tenth of a rate is noise."""
    fast, smaller = candidate("fast", rate=100.0, size=9.0), candidate("smaller", rate=95.0, size=2.0)
    assert best_of([fast, smaller, candidate("slow", rate=80.0, size=1.0)]) is smaller
    assert best_of([fast, candidate("slow", rate=80.0, size=1.0)]) is fast


def test_each_limit_counts() -> None:
    """What is too much is told in words; a loss that is no number keeps none."""
    each = candidate("some", loss=1.0, size=10.0, ms=2.0)
    assert each.misses(Limits(), "accuracy") == []
    assert each.misses(Limits(size_mib=9.9), "accuracy") == ["10.0 MiB"]
    assert each.misses(Limits(latency_ms=1.9), "accuracy") == ["2.00 ms"]
    assert each.misses(Limits(loss=0.9), "accuracy") == ["1.00 points lost"]
    assert candidate("odd", loss=float("nan")).misses(Limits(loss=50.0), "accuracy") == ["nan points lost"]
    lost = replace(each, judged=replace(each.judged, lost_labels=("pear",)))
    assert lost.misses(Limits(), "accuracy") == ["no longer finds pear"]


def test_luck_is_not_taken_for_a_small_loss(parent: Parent, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps the loss by less than a standard error is passed over, be it the fastest; it is told why."""
    itself = candidate(AS_IT_IS, rate=10.0)
    lucky, sure = candidate("lucky", loss=0.4, rate=900.0), candidate("sure", loss=-0.1, rate=300.0)
    assert lucky.cautious_loss("accuracy") == pytest.approx(0.4 + 1.0 / 1.96)

    def chosen(*found: Candidate) -> tuple[str, str]:
        monkeypatch.setattr(Search, "candidates", lambda *_: [itself, *found])
        made = auto.compress(parent, rows, options=auto.Options(), work=Work(0.5))
        return next(each["name"] for each in made.tried if each["chosen"]), made.notes[0]

    name, why = chosen(lucky, sure)
    assert name == "sure"
    assert "2 keep all limits, 1 with a standard error of the loss to spare; sure is the fastest of these" in why
    luckier = candidate("luckier", loss=0.3, rate=100.0)
    name, why = chosen(lucky, luckier)
    assert name == "luckier"
    assert "2 keep all limits, none with a standard error of the loss to spare; luckier comes nearest" in why


@pytest.mark.parametrize("text", ["10", "MB", "-1MB", "0MB", "10 apples", "1e400MB", ""])
def test_sizes_and_times_that_are_none_are_refused(text: str) -> None:
    """With an example."""
    for parse, code in ((parse_size, "bad-size"), (parse_latency, "bad-latency")):
        with pytest.raises(ConfigError) as caught:
            parse(text)
        assert caught.value.code == code


def test_sizes_and_times_are_read() -> None:
    """Thousands and 1,024 are told apart; case and spaces are not."""
    assert parse_size("10MiB") == 10.0
    assert parse_size(" 10 mb") == pytest.approx(9.5367, abs=1e-4)
    assert parse_size("1.5GB") == pytest.approx(1430.51, abs=0.01)
    assert [parse_size(text) * 2**20 for text in ("1KB", "1KiB", "1GiB")] == [1e3, 2**10, 2**30]
    assert parse_latency("2ms") == parse_latency("0.002 S") == parse_latency("2000us") == 2.0
    assert str(Limits(size_mib=10.0, loss=0.5)) == "0.5 points lost, 10.0 MiB"


def test_the_best_within_the_limits_is_given(parent: Parent, rows: Rows) -> None:
    """It says what was tried; of what was tried one is chosen, which misses nothing."""
    work = Work(50.0, options=_ONE_PASS)
    made = auto.compress(parent, rows, options=auto.Options(chains=("student", "int8"), size="3MiB"), work=work)
    assert made.kind == "runtime"
    assert made.steps == ("int8",)
    tried = {each["name"]: each for each in made.tried}
    assert set(tried) == {AS_IT_IS, "student", "int8"}
    assert [name for name, each in tried.items() if each["chosen"]] == ["int8"]
    assert tried["student"]["misses"][-1] == tried[AS_IT_IS]["misses"][-1] == "8.0 MiB"
    assert tried["int8"]["misses"] == []
    assert "1 keep all limits; int8 is the fastest of them" in made.notes[0]


def test_the_model_itself_is_never_chosen(parent: Parent, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where it is the fastest."""
    slower = [{"latency_ms": {"p50": ms, "p95": ms}, "texts_per_second": 1000.0 / ms} for ms in (1.0, 9.0)]
    monkeypatch.setattr(search, "costs_of", lambda *given, **named: slower)
    made = auto.compress(parent, rows, options=auto.Options(chains=("int8",)), work=Work(50.0))
    assert made.steps == ("int8",)


def test_where_nothing_fits_nothing_is_given(parent: Parent, rows: Rows) -> None:
    """What the nearest lack is told; the model itself is none of them."""
    options = auto.Options(chains=("int8",), size="1KB", latency="1us")
    with pytest.raises(GateError, match="keeps all limits") as caught:
        auto.compress(parent, rows, options=options, work=Work(50.0, options=_ONE_PASS))
    assert caught.value.code == "nothing-fits"
    assert str(caught.value.found).startswith("int8: 2.0 MiB, ")
    assert AS_IT_IS not in str(caught.value.found)


def test_a_search_tries_no_search() -> None:
    """And makes its cascades itself."""
    for chain in ("auto", "student+cascade"):
        with pytest.raises(ConfigError, match="cannot stand there"):
            auto.Options(chains=(chain,))
