"""The selftrain rung: what it learns from texts without labels, what must not tell it anything, and when it is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.ladder.tiny_climb import Home, options

from tunesmith.errors import ConfigError, Stopped
from tunesmith.ladder.rungs import selftrain
from tunesmith.ladder.rungs.selftrain import Lesson, Taught
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.models.supervision import Supervision
from tunesmith.run.journal import Journal
from tunesmith.train.solvers.quasi_newton import solve_head

RUNGS = ("probe", "selftrain")
TAKES_MANY = options("selftrain", {"confidence": 0.5})
"""The tiny base is sure of next to nothing."""
N_CLASSES = 4


def features_of(targets: NDArray[np.int64], *, noise: float, seed: int) -> NDArray[np.float32]:
    """Vectors of length 1 that lie around a corner of their class."""
    random = np.random.default_rng(seed)
    corners = np.eye(N_CLASSES, 16)[targets] + noise * random.normal(size=(len(targets), 16))
    return (corners / np.linalg.norm(corners, axis=1, keepdims=True)).astype(np.float32)


def lesson_of(
    n_rows: int, *, noise: float = 0.4, confidence: float = 0.9, counts: tuple[int, ...] = (500,) * N_CLASSES
) -> tuple[Lesson, NDArray[np.int64]]:
    """Labelled rows of each class, texts without labels beside them; and what these would be labelled with."""
    targets = np.arange(n_rows) % N_CLASSES
    hidden = np.repeat(np.arange(N_CLASSES), counts)
    wanted = Supervision(load_likelihood("softmax"), N_CLASSES, targets)
    unlabelled = features_of(hidden, noise=noise, seed=1)
    labelled = features_of(targets, noise=noise, seed=0)
    return Lesson(labelled, wanted, unlabelled, l2=1e-3, confidence=confidence, weight=0.1), hidden


def folds_of(n_rows: int) -> NDArray[np.int64]:
    """Five folds of whole rounds over the classes."""
    return np.arange(n_rows) // N_CLASSES % 5


def told(taught: Taught) -> list[float]:
    """All that a head and its temperature say."""
    return [*taught.head.weight.ravel().tolist(), *taught.head.bias.tolist(), taught.temperature]


def test_rows_that_may_not_be_seen_tell_nothing() -> None:
    """Neither their features nor their labels, to the last bit, though they lie beside those that may."""
    lesson, _ = lesson_of(60)
    rows = np.arange(48)
    other_targets = lesson.wanted.targets.copy()
    other_targets[48:] = (other_targets[48:] + 1) % N_CLASSES
    features = lesson.features.copy()
    features[48:] = -features[48:]
    other = replace(lesson, features=features, wanted=replace(lesson.wanted, targets=other_targets))
    fold_of = folds_of(60)[rows]
    l2 = lesson.choose_l2(rows, fold_of)
    assert l2 == other.choose_l2(rows, fold_of)
    assert told(lesson.taught(rows, fold_of, l2=l2)) == told(other.taught(rows, fold_of, l2=l2))
    seen = lesson.taught(np.arange(60), folds_of(60), l2=l2)
    assert told(seen) != told(other.taught(np.arange(60), folds_of(60), l2=l2)), "they would have told something"


@pytest.mark.parametrize(("l2", "unsure"), [(1e-1, True), (1e-7, False)])
def test_confidence_is_calibrated_by_rows_that_were_not_seen(
    l2: float, unsure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So of the answers taken as many are right as was asked for, whether a head says too little of them or too much.

    One temperature makes a head that says far too much a little too careful with the surest.
    """
    lesson, hidden = lesson_of(200, noise=0.5, confidence=0.85)
    lesson = replace(lesson, l2=l2)
    took = []
    monkeypatch.setattr(selftrain, "sure_answers", lambda *given, **more: took.append(sure(*given, **more)) or took[-1])
    taught = lesson.taught(np.arange(200), folds_of(200), l2=l2)
    (taken,) = took
    assert taught.n_taken == len(taken.rows) > 500
    assert 0.82 < (hidden[taken.rows] == taken.targets).mean() < 0.95
    assert (taught.temperature < 0.5) if unsure else (taught.temperature > 2.0)


sure = selftrain.sure_answers


def test_a_class_that_is_common_among_the_texts_does_not_flood() -> None:
    """Nine in ten of them are of one class, which the labelled rows know nothing of: all are still found alike."""
    lesson, _ = lesson_of(20, noise=0.35, counts=(2700, 100, 100, 100))
    rows = np.arange(20)
    taught = lesson.taught(rows, folds_of(20), l2=lesson.choose_l2(rows, folds_of(20)))
    tested = np.repeat(np.arange(N_CLASSES), 300)
    answers = taught.head.logits(features_of(tested, noise=0.35, seed=2)).argmax(axis=1)
    assert np.bincount(answers, minlength=N_CLASSES) == pytest.approx([300] * N_CLASSES, abs=45)


def test_texts_teach_what_few_rows_do_not_tell() -> None:
    """Five rows of each class: many texts around them tell where it lies."""
    lesson, _ = lesson_of(20, noise=0.4, confidence=0.8)
    rows, fold_of = np.arange(20), folds_of(20)
    taught = lesson.taught(rows, fold_of, l2=lesson.choose_l2(rows, fold_of))
    alone = replace(lesson, unlabelled=lesson.unlabelled[:0]).taught(rows, fold_of, l2=lesson.l2)
    tested = np.repeat(np.arange(N_CLASSES), 300)
    features = features_of(tested, noise=0.4, seed=2)
    right, before = ((each.head.logits(features).argmax(axis=1) == tested).mean() for each in (taught, alone))
    assert alone.n_taken == 0
    assert right > before + 0.03


def test_each_fold_is_taught_by_a_head_that_has_not_seen_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also its answers to texts without labels are another's: no label comes back through them."""
    taught_from: list[set[int]] = []
    teach = Lesson.taught

    def record(lesson: Lesson, rows: NDArray[np.int64], *given: NDArray[np.int64], **more: float) -> Taught:
        taught_from.append(set(rows.tolist()))
        return teach(lesson, rows, *given, **more)

    with home.site(ladder__rungs=RUNGS, data__unlabelled=home.unlabelled) as (site, rungs):
        for rung in rungs:
            site.landings[rung.name] = rung.climb(site)
        monkeypatch.setattr(Lesson, "taught", record)
        finished = rungs[1].finish(site, site.landings["selftrain"])
    n_rows = len(site.data.rows_to_choose())
    *of_folds, of_all = taught_from
    held = [set(range(n_rows)) - rows for rows in of_folds]
    assert of_all == set(range(n_rows))
    assert len(of_folds) == 5
    assert sorted(row for fold in held for row in fold) == list(range(n_rows)), "each row is held out once"
    assert finished.measured_on.endswith("each by a head that had not seen it")


def test_it_stands_beside_the_probe_on_the_same_rows(home: Home) -> None:
    """Compared with it, kept or not by the rules of the ladder, and told how much it took."""
    site, outcome = home.climbed(ladder__rungs=RUNGS, data__unlabelled=home.unlabelled, **TAKES_MANY)
    assert list(outcome.comparisons) == ["selftrain"]
    facts = site.landings["selftrain"].facts
    assert 50 < facts["taken"] <= facts["texts"] == len(site.data.unlabelled)
    assert any(f"answers to {facts['taken']} of {facts['texts']} texts" in line for line in home.told)


def knows_all(lesson: Lesson, *given: NDArray[np.int64], **more: float) -> Taught:
    """A head that has seen every row, those held out too: better on them than any probe, whatever the base."""
    head = solve_head(lesson.features, lesson.wanted, l2=1e-7)
    return replace(teach(lesson, *given, **more), head=head)


def knows_nothing(lesson: Lesson, *given: NDArray[np.int64], **more: float) -> Taught:
    """A head that says the opposite of what it was taught."""
    taught = teach(lesson, *given, **more)
    return replace(taught, head=replace(taught.head, weight=-taught.head.weight))


teach = Lesson.taught


@pytest.mark.parametrize("worse", [True, False])
def test_it_is_not_kept_where_validation_says_so(home: Home, monkeypatch: pytest.MonkeyPatch, worse: bool) -> None:
    """Nonsense loses to the probe, and what validation rows speak for takes over."""
    monkeypatch.setattr(Lesson, "taught", knows_nothing if worse else knows_all)
    _, outcome = home.climbed(ladder__rungs=RUNGS, data__unlabelled=home.unlabelled, **TAKES_MANY)
    assert outcome.kept.rung == ("probe" if worse else "selftrain")


def test_where_no_answer_is_sure_the_probe_is_kept(home: Home) -> None:
    """The same head under another name is no rung to take over."""
    asked = options("selftrain", {"confidence": 0.9999})
    _, outcome = home.climbed(ladder__rungs=RUNGS, data__unlabelled=home.unlabelled, **asked)
    assert outcome.kept.rung == "probe"
    assert any("is sure enough" in line for line in home.told)


def test_a_gain_it_does_not_bring_is_no_reason_to_stop(home: Home) -> None:
    """Training the encoder can bring one all the same."""
    settings = {"data__unlabelled": home.unlabelled, "ladder__min_gain": 100.0, **options("finetune", {"epochs": 1.0})}
    site, _ = home.climbed(ladder__rungs=(*RUNGS, "finetune"), **settings)
    assert list(site.landings) == [*RUNGS, "finetune"]


def test_so_many_texts_are_encoded_as_its_share_of_the_budget_allows(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan holds the number, so that a run that follows it takes the same texts."""
    monkeypatch.setattr("tunesmith.run.clock.process_age_s", lambda: 0.0)  # however long the tests have run
    monkeypatch.setattr(selftrain, "_FEWEST_ROWS", 10)
    monkeypatch.setattr(selftrain, "_seconds_of_a_text", lambda _: 1.0)
    landings = []
    for name, budget in (("one", "8m"), ("two", "none")):
        follow = None if name == "one" else home.folder / "one.work" / "plan.jsonl"
        with home.site(
            name, ladder__rungs=RUNGS, ladder__budget=budget, data__unlabelled=home.unlabelled, follow=follow
        ) as (site, rungs):
            site.plan.seek(site.plan.n_decisions)
            for rung in rungs:
                site.landings[rung.name] = rung.climb(site)
            landings.append(site.landings["selftrain"])
    one, two = landings
    assert 100 <= one.facts["texts"] <= 120
    assert one.facts == two.facts
    np.testing.assert_array_equal(one.logits, two.logits)


def test_of_many_texts_some_are_drawn(home: Home) -> None:
    """By seed, no more than asked for; and it is said."""
    asked = options("selftrain", {"most_rows": 50})
    site, _ = home.climbed(ladder__rungs=RUNGS, data__unlabelled=home.unlabelled, **asked)
    assert site.landings["selftrain"].facts["texts"] == 50
    n_all = len(site.data.unlabelled)
    assert f"selftrain: 50 of {n_all} texts without labels, it takes no more" in home.told


def test_heads_count_in_the_forecast(home: Home) -> None:
    """By what the probe's took: of many labels they take longer than the texts do."""
    forecasts = []
    with home.site(ladder__rungs=RUNGS, data__unlabelled=home.unlabelled) as (site, rungs):
        landing = rungs[0].climb(site)
        for refit_s in (0.0, 60.0):
            site.landings["probe"] = replace(landing, refit_s=refit_s)
            forecasts.append(rungs[1].forecast(site))
    assert forecasts[1] - forecasts[0] == pytest.approx(300.0)


def test_a_run_that_was_stopped_goes_on_to_the_same_end(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that were encoded are not encoded again, and a rung that has landed is not climbed again."""
    settings = {"ladder__rungs": RUNGS, "data__unlabelled": home.unlabelled, **TAKES_MANY}
    monkeypatch.setattr(Lesson, "taught", knows_all)  # so that it is kept
    _, whole = home.climbed("whole", **settings)
    finish = selftrain.SelfTrain.finish

    def stop(*_: object) -> None:
        raise Stopped("stopped", "stopped before the end")

    monkeypatch.setattr(selftrain.SelfTrain, "finish", stop)
    with pytest.raises(Stopped, match="before the end"):
        home.climbed("cut", **settings)
    monkeypatch.setattr(selftrain.SelfTrain, "finish", finish)
    monkeypatch.setattr(selftrain.SelfTrain, "climb", stop)
    _, resumed = home.climbed("cut", resume=True, **settings)
    assert resumed.kept.rung == whole.kept.rung == "selftrain"
    np.testing.assert_array_equal(resumed.kept.logits, whole.kept.logits)
    assert resumed.calibration == whole.calibration


def test_other_texts_are_refused_by_resume(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """They decide what is learnt, so a run with others is another one."""
    settings = {"ladder__rungs": RUNGS, "data__unlabelled": home.unlabelled}

    def stop(*_: object, **__: object) -> None:
        raise Stopped("stopped", "stopped at the start")

    monkeypatch.setattr(Journal, "append", stop)
    with pytest.raises(Stopped, match="at the start"):
        home.climbed(**settings)
    monkeypatch.undo()
    path = home.folder / "more.csv"
    path.write_text(path.read_text("utf-8") + "one more\n", "utf-8")
    with pytest.raises(ConfigError, match="plan-differs") as caught:
        home.climbed(resume=True, **settings)
    assert caught.value.message == "the plan was made for other data"
