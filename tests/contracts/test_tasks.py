"""Every task, enrolled by import, keeps its family's promises."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.config.recipe import Recipe
from tunesmith.data.places import Places
from tunesmith.errors import DataError
from tunesmith.ladder.rungs import RUNGS
from tunesmith.tasks import TASKS, Task, load_task

LABELS = ("card", "delivery", "refund")
TARGETS = np.arange(60, dtype=np.int64) % len(LABELS)

Logits = NDArray[np.float32]


@pytest.fixture(params=TASKS.names())
def task(request: pytest.FixtureRequest) -> Task:
    """Each task."""
    return load_task(request.param)


def outputs(n_right: int) -> Logits:
    """Outputs that are right on the first rows and name the next label on the others, never with certainty."""
    told = np.where(np.arange(len(TARGETS)) < n_right, TARGETS, (TARGETS + 1) % len(LABELS))
    logits: Logits = (2.0 * np.eye(len(LABELS), dtype=np.float32))[told]
    return logits


@pytest.mark.parametrize("name", TASKS.names())
def test_a_task_says_what_it_is(name: str) -> None:
    """The name of its file, options that are valid as they are, rungs that exist, and figures; nothing twice."""
    task = load_task(name)
    assert task.name == name
    assert TASKS.member(name).Options() == TASKS.options(name)
    assert task.rungs
    assert task.objectives
    for names in (task.rungs, task.objectives):
        assert len(set(names)) == len(names)
    assert set(task.rungs) <= set(RUNGS.names())


def test_a_recipe_left_alone_suits_its_task() -> None:
    """It climbs all that its task can, and goes by the first of the task's figures."""
    recipe = Recipe()
    task = load_task(recipe.run.task)
    assert recipe.ladder.rungs == task.rungs
    assert recipe.ladder.metric == task.objectives[0]


def test_the_order_of_the_labels_depends_on_their_set_alone(task: Task) -> None:
    """Rows may come in any order and number; each label has one place, and its targets lead back to it."""
    labels = [LABELS[target] for target in TARGETS]
    known = task.label_order(labels)
    assert sorted(known) == sorted(LABELS)
    for other in (labels[::-1], list(LABELS), [*labels, LABELS[1], LABELS[1]]):
        assert task.label_order(other) == known
    targets = task.read_targets(labels, known, places=Places.of("tickets.csv", range(2, 2 + len(labels))))
    assert targets.dtype == np.int64
    assert [known[target] for target in targets] == labels


def test_a_label_that_is_not_known_is_refused(task: Task) -> None:
    """By its name and by its line."""
    with pytest.raises(DataError, match=r"small talk.*\n?.*line 9"):
        task.read_targets(["card", "small talk"], LABELS, places=Places.of("tickets.csv", [4, 9]))


def test_a_figure_lies_between_nothing_and_one_and_rises_with_every_step_to_the_better(task: Task) -> None:
    """All wrong is the least there is, all right is 1, and more right is more."""
    for name in task.objectives:
        figures = [task.objective(name, outputs(n_right), TARGETS) for n_right in range(0, 61, 6)]
        assert all(isinstance(figure, float) for figure in figures)
        assert figures[0] >= 0.0
        assert figures[-1] == 1.0
        assert all(worse < better for worse, better in pairwise(figures)), name


def test_a_gain_is_told_with_its_sign_and_its_doubt(task: Task) -> None:
    """Better is above nothing, worse as far below, the same is nothing; each within its interval."""
    for name in task.objectives:
        few, many = outputs(30), outputs(54)
        gained, lost, same = (
            task.gain(name, before, after, targets=TARGETS, level=0.9, seed=0)
            for before, after in ((few, many), (many, few), (few, few))
        )
        difference = task.objective(name, many, TARGETS) - task.objective(name, few, TARGETS)
        assert gained.interval.value == pytest.approx(difference)
        assert lost.interval.value == pytest.approx(-difference)
        assert same.interval.value == 0.0
        for found in (gained, lost, same):
            assert -1.0 <= found.interval.low <= found.interval.value <= found.interval.high <= 1.0
            assert 0.0 <= found.p_value <= 1.0
        assert gained.interval.low > 0.0 > lost.interval.high
        assert gained.p_value < 0.01 < same.p_value


@pytest.mark.parametrize("temperature", [None, 1.5])
def test_metrics_hold_every_figure_that_may_choose(task: Task, temperature: float | None) -> None:
    """As ``objective`` gives it, within its interval; and each label has its own."""
    logits = outputs(45)
    metrics = task.metrics(logits, TARGETS, LABELS, temperature=temperature)
    for name in task.objectives:
        figure = metrics[name]
        assert figure["value"] == pytest.approx(task.objective(name, logits, TARGETS))
        assert 0.0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1.0
    assert metrics["per_class"].keys() == set(LABELS)
    assert metrics["confusion"]["labels"] == list(LABELS)


@pytest.mark.parametrize("everything", [False, True])
def test_an_answer_names_the_label_of_the_highest_output(task: Task, everything: bool) -> None:
    """With a probability that a higher temperature lowers; asked for everything, all labels' shares add up to 1."""
    logits = outputs(45)
    cool, warm = (task.answers(logits, LABELS, temperature=each, everything=everything) for each in (1.0, 3.0))
    for answers in (cool, warm):
        assert [answer["label"] for answer in answers] == [LABELS[best] for best in logits.argmax(axis=1)]
        assert all(("probabilities" in answer) is everything for answer in answers)
    assert all(1.0 > sure["probability"] > less["probability"] > 0.0 for sure, less in zip(cool, warm, strict=True))
    for answer in cool if everything else ():
        assert tuple(answer["probabilities"]) == LABELS
        assert sum(answer["probabilities"].values()) == pytest.approx(1.0)
        assert answer["probabilities"][answer["label"]] == pytest.approx(answer["probability"])
