"""Which runtime runs a rounded model: the fastest of those that answer as our own engine does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.compress.tiny_parents import random_parent, random_texts, rows_of
from tests.ladder.tiny_climb import Told

from tunesmith.bundle.kinds import KINDS
from tunesmith.bundle.kinds.cascade import Cascade
from tunesmith.bundle.schema import RuntimeFacts, StageFacts, TokenFacts
from tunesmith.compress import running
from tunesmith.compress.running import spread
from tunesmith.compress.source import Compressed, Parent, Work
from tunesmith.compress.techniques import int8
from tunesmith.errors import ConfigError, GateError
from tunesmith.runtimes import engines, graph
from tunesmith.runtimes.engines import ENGINES

TEXTS = random_texts(150)
FASTER = {"flat": 2.0, "onnxruntime": 1.0, "openvino": 3.0}
"""Seconds that a race is made to take."""


@pytest.fixture
def parent() -> Parent:
    """A tiny random encoder, which tells texts apart."""
    return random_parent()


def made(parent: Parent, runtime: str, told: list[str] | None = None) -> Compressed:
    """The rounded model."""
    work = Work(40.0, narrator=Told([] if told is None else told))
    return int8.compress(parent, rows_of(TEXTS), options=int8.Options(runtime=runtime), work=work)  # type: ignore[arg-type]


def without_a_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the fault: attention sees what stands behind a text."""
    monkeypatch.setattr(graph, "_FAR_BELOW", 0.0)


@pytest.mark.parametrize("runtime", ["flat", "onnxruntime"])
def test_a_runtime_is_taken_by_its_name(parent: Parent, runtime: str) -> None:
    """It runs the same weights and answers the same, as what was found says."""
    found, ours = made(parent, runtime), made(parent, "flat")
    assert found.runtime is not None
    assert found.runtime == found.model.runtime
    assert found.runtime.name == runtime
    texts = random_texts(50, seed=1)
    logits, expected = (KINDS.member("runtime").predictor(each.model).outputs(texts).logits for each in (found, ours))
    assert np.mean(logits.argmax(axis=1) == expected.argmax(axis=1)) >= 0.96
    for name, value in ours.model.classifier.encoder.state_dict().items():
        assert (found.model.classifier.encoder.state_dict()[name] == value).all()
    assert any(note.startswith(f"run by {runtime} (") for note in found.notes) is (runtime != "flat")


def test_the_fastest_is_chosen_and_told(parent: Parent, monkeypatch: pytest.MonkeyPatch) -> None:
    """By both ways of asking; each with its rates, the fastest first."""

    def race(candidates: list[running._Candidate], *given: object) -> None:
        for each in candidates:
            slow = FASTER[each.runtime.name] + (0.5 if each.runtime.precision == "float32" else 0.0)
            each.many.append(600.0 / slow)
            each.single.append(60.0 / slow)

    monkeypatch.setattr(running, "_race", race)
    told: list[str] = []
    found = made(parent, "auto", told)
    assert found.runtime == RuntimeFacts(name="onnxruntime", precision="int8")
    assert "run by onnxruntime (int8), which answers fastest here" in found.notes
    assert "onnxruntime (int8): 600 texts a second, 60 one by one" in found.notes
    assert "onnxruntime (float32): 400 texts a second, 40 one by one" in found.notes
    assert "flat (int8): 300 texts a second, 30 one by one" in found.notes
    assert "trying each runtime that is here for a moment" in told


def test_openvino_is_asked_for_by_its_name_alone(parent: Parent) -> None:
    """What it does to Ctrl-C nobody is to meet who has not asked for it."""
    assert [name for name in ENGINES.names() if not ENGINES.member(name).IS_TRIED] == ["openvino"]
    assert not any("openvino" in note for note in made(parent, "auto").notes)


def test_the_race_asks_all_alike(parent: Parent) -> None:
    """Many at once and one by one, for some rounds; what was measured is above nothing."""
    found = made(parent, "auto")
    rates = [note for note in found.notes if note.endswith(" one by one")]
    assert [note.partition(":")[0] for note in rates] == ["flat (int8)", "onnxruntime (int8)", "onnxruntime (float32)"]
    assert not any(" 0 " in note for note in rates)


def test_what_is_not_installed_is_left_out(parent: Parent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quietly, where all were asked for; with what to install, where it was asked for by name."""
    monkeypatch.setattr(engines, "find_spec", lambda package: None)
    found = made(parent, "auto")
    assert found.runtime == RuntimeFacts(name="flat", precision="int8")
    assert not any(note.startswith("run by") for note in found.notes)
    told: list[str] = []
    with pytest.raises(ConfigError, match="onnxruntime") as caught:
        made(parent, "onnxruntime", told)
    assert caught.value.code == "package-missing"
    assert told == [], "nothing was computed yet"


def test_a_runtime_that_fails_is_left_out(parent: Parent, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it said, where all were asked for; by its name, what it raised comes through."""

    def broken(*given: object) -> None:
        raise OSError("libbroken.so: cannot open\nand more")

    monkeypatch.setattr(ENGINES.member("onnxruntime"), "_compiled", broken)
    found = made(parent, "auto")
    assert found.runtime == RuntimeFacts(name="flat", precision="int8")
    assert "onnxruntime (int8) is left out, since it fails: libbroken.so: cannot open" in found.notes
    with pytest.raises(OSError, match="libbroken"):
        made(parent, "onnxruntime")


def test_a_wrong_mask_is_found(parent: Parent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime whose attention sees padding is refused by name, and never chosen."""
    without_a_mask(monkeypatch)
    with pytest.raises(GateError, match="times as far from our own engine") as caught:
        made(parent, "onnxruntime")
    assert caught.value.code == "runtime-differs"
    found = made(parent, "auto")
    assert found.runtime == RuntimeFacts(name="flat", precision="int8")
    assert "onnxruntime (int8) is left out" in " ".join(found.notes)


def test_a_wrong_mask_is_found_by_openvino_too(parent: Parent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same graph."""
    assert made(parent, "openvino").runtime is not None
    without_a_mask(monkeypatch)
    with pytest.raises(GateError, match="openvino"):
        made(parent, "openvino")


@pytest.mark.parametrize("runtime", ["flat", "onnxruntime", "openvino"])
def test_a_stage_of_a_cascade_is_run_by_any(parent: Parent, runtime: str) -> None:
    """It answers as it does alone."""
    first, last = made(parent, "flat"), made(parent, runtime)
    tokens = TokenFacts(max_seq_length=24, pooling="mean", unit_length=True, pairing=None)
    stages = tuple(
        StageFacts(kind="runtime", tokens=tokens, runtime=each.runtime, temperature=1.0, least_margin=margin)
        for each, margin in ((first, 2.0), (last, None))
    )
    cascade = Cascade((first.model, last.model), stages, parent.task, None)
    expected = KINDS.member("runtime").predictor(last.model).outputs(TEXTS).logits
    found = KINDS.member("cascade").predictor(cascade).outputs(TEXTS).logits
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_texts_of_all_lengths_are_compared() -> None:
    """Also where few are taken, and of pairs."""
    texts = ["x" * n for n in range(1, 200)]
    some = spread(texts, 5)
    assert (some[0], some[-1], len(some)) == (texts[0], texts[-1], 5)
    assert spread(texts[:3], 64) == texts[:3]
    assert spread([], 64) == []
    assert spread([("aa", "b"), ("a", "b")], 2) == [("a", "b"), ("aa", "b")]


def test_pairs_find_their_runtime() -> None:
    """Read apart, two texts a row."""
    parent = random_parent()
    classifier = parent.model.classifier
    pairs = [(one, other) for one, other in zip(TEXTS[::2], TEXTS[1::2], strict=True)]
    model = replace(parent.model, joins=True, classifier=classifier)
    joined = replace(parent, model=model)
    found = int8.compress(joined, rows_of(pairs), options=int8.Options(runtime="onnxruntime"), work=Work(40.0))  # type: ignore[arg-type]
    assert found.runtime is not None
    assert found.runtime.name == "onnxruntime"
