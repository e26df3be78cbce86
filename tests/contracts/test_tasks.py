"""Every task, enrolled by import, keeps its family's promises."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.config.recipe import Recipe
from tunesmith.data.places import Places
from tunesmith.errors import DataError
from tunesmith.evaluate.figures import STYLES
from tunesmith.ladder.resolve import resolve
from tunesmith.ladder.rungs import RUNGS
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.models.networks import NETWORKS
from tunesmith.models.supervision import Supervision
from tunesmith.tasks import TASKS, Calibration, Coding, Task, load_task
from tunesmith.train.losses import LOSSES

N_ROWS = 60
LABELS = ("card", "delivery", "refund")
CELLS: dict[str, list[str]] = {
    "single_label": [LABELS[row % 3] for row in range(N_ROWS)],
    "score": [f"{1.0 + (7 * row) % 60 / 10:.1f}" for row in range(N_ROWS)],
    "binary": [["spam", "ham", "ham"][row % 3] for row in range(N_ROWS)],
    "ordinal": [str(1 + row % 5) for row in range(N_ROWS)],
    "multi_label": [";".join(label for place, label in enumerate(LABELS) if row >> place & 1) for row in range(N_ROWS)],
}
"""Of each task, a label column in which every answer comes up often."""
WRONG = {"single_label": "small talk", "score": "three", "binary": "eggs", "ordinal": "6", "multi_label": "small talk"}
"""Of each task, a cell that no model of it can be right on."""

Logits = NDArray[np.float32]


@pytest.fixture(params=TASKS.names())
def task(request: pytest.FixtureRequest) -> Task:
    """Each task."""
    return load_task(request.param)


def places(n_rows: int = N_ROWS) -> Places:
    """Lines of a file."""
    return Places.of("tickets.csv", range(2, 2 + n_rows))


def coded(task: Task) -> tuple[Any, NDArray[Any]]:
    """The coding of the task's column, and its targets."""
    cells = CELLS[task.name]
    coding = task.coding(cells, places=places())
    return coding, task.read_targets(cells, coding, places=places())


def outputs(task: Task, n_right: int) -> Logits:
    """Outputs that are right on the first rows and tell a neighbour's answer on the others, never with certainty."""
    coding, targets = coded(task)
    right = np.arange(N_ROWS) < n_right
    told = np.where(right.reshape(-1, *[1] * (targets.ndim - 1)), targets, np.roll(targets, 1, axis=0))
    n_outputs = task.n_outputs(coding)
    logits = {
        "softmax": lambda: 2.0 * np.eye(n_outputs)[told],
        "squared_error": lambda: told[:, None],
        "sigmoid": lambda: 4.0 * told - 2.0,
        "cumulative": lambda: np.where(told[:, None] > np.arange(n_outputs), 2.0, -2.0),
    }[task.likelihood]()
    return logits.astype(np.float32)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", TASKS.names())
def test_a_task_says_what_it_is(name: str) -> None:
    """The name of its file, options that are valid as they are, rungs that exist, and figures; nothing twice."""
    task = load_task(name)
    assert task.name == name
    assert TASKS.member(name).Options() == TASKS.options(name)
    assert set(task.rungs) <= set(RUNGS.names())
    for names in (task.rungs, task.objectives, task.figures, task.columns):
        assert names
        assert len(set(names)) == len(names)
    assert set(task.objectives) <= set(task.figures) <= STYLES.keys()
    assert task.likelihood in LOSSES.member(task.loss).LIKELIHOODS


WHERE_IT_FITS = ("contrast", "selftrain", "static")


def test_a_recipe_left_alone_suits_its_task(task: Task) -> None:
    """It climbs all that its task can, goes by the task's first figure and by its loss.

    But for networks from scratch, averaged token vectors, and what few rows or texts without labels are there for.
    """
    recipe = Recipe()
    settled = resolve(recipe.model_copy(update={"run": recipe.run.model_copy(update={"task": task.name})})).recipe
    assert settled.ladder.rungs == tuple(rung for rung in task.rungs if rung not in {*NETWORKS.names(), *WHERE_IT_FITS})
    assert set(NETWORKS.names()) <= set(task.rungs)
    assert settled.ladder.metric == task.objectives[0]
    assert settled.rung["finetune"]["loss"] == task.loss


def test_the_coding_depends_on_the_answers_alone(task: Task) -> None:
    """Rows may come in any order."""
    cells = CELLS[task.name]
    coding = task.coding(cells, places=places())
    other = task.coding(cells[::-1], places=places())
    assert other.labels == coding.labels
    assert (other.mean, other.spread) == pytest.approx((coding.mean, coding.spread))
    assert task.misfits(coding, Calibration()) == []


def test_targets_are_those_of_the_likelihood(task: Task) -> None:
    """Of so many outputs as the task says; and every row is of some kind, by which rows are dealt out."""
    coding, targets = coded(task)
    load_likelihood(task.likelihood).refuse_misfits(targets, task.n_outputs(coding))
    assert len(task.strata(CELLS[task.name])) == N_ROWS
    assert (
        Supervision(load_likelihood(task.likelihood), task.n_outputs(coding), targets)[np.arange(3)].targets.shape[0]
        == 3
    )


def test_a_cell_that_is_no_answer_is_refused(task: Task) -> None:
    """By what it holds and by its line."""
    coding, _ = coded(task)
    cells = [CELLS[task.name][0], WRONG[task.name]]
    with pytest.raises(DataError, match=WRONG[task.name]) as caught:
        task.read_targets(cells, coding, places=Places.of("tickets.csv", [4, 9]))
    assert "9" in caught.value.render()


def test_a_figure_rises_with_every_step_to_the_better(task: Task) -> None:
    """All right is 1, and more right is more; the loss falls."""
    _, targets = coded(task)
    steps = [outputs(task, n_right) for n_right in range(24, N_ROWS + 1, 12)]
    for name in task.objectives:
        figures = [task.objective(name, logits, targets) for logits in steps]
        assert all(isinstance(figure, float) for figure in figures)
        assert figures[-1] == pytest.approx(1.0)
        assert all(worse < better for worse, better in pairwise(figures)), name
    for loss in (task.held_out_loss, task.raw_loss):
        assert all(worse > better for worse, better in pairwise(loss(logits, targets) for logits in steps))


def test_a_margin_falls_to_nothing_where_the_answer_turns(task: Task) -> None:
    """On the way from one answer to another; it is 0 to 1, and grows as outputs do. Numbers come without one."""
    coding, _ = coded(task)
    calibration = task.calibrate(*scored(task))
    ends = outputs(task, N_ROWS)[[0, 1]]
    way = np.linspace(ends[0], ends[1], 2001).astype(np.float32)
    margins = task.margins(way, calibration)
    if task.likelihood == "squared_error":
        assert margins is None
        return
    assert margins is not None
    assert margins.shape == (2001,)
    assert margins.min() >= 0.0
    assert margins.max() <= 1.0
    answers = [str(answer.get("label", answer.get("labels"))) for answer in said(task, way, coding, calibration)]
    turns = [place for place in range(2000) if answers[place] != answers[place + 1]]
    assert turns
    assert max(margins[turns]) < 0.01
    surer = task.margins(2 * ends, calibration)
    assert surer is not None
    assert (surer >= margins[[0, -1]]).all()


def scored(task: Task) -> tuple[Logits, NDArray[Any]]:
    """Outputs with their targets, a few of them wrong."""
    return outputs(task, N_ROWS - 6), coded(task)[1]


def said(task: Task, logits: Logits, coding: Coding, calibration: Calibration) -> list[dict[str, Any]]:
    """Answers whose labels are told without their probabilities."""
    answers = task.answers(logits, coding, calibration, everything=False)
    return [
        {"labels": [each["label"] for each in answer["labels"]]} if "labels" in answer else answer for answer in answers
    ]


def test_a_gain_is_told_with_its_sign_and_its_doubt(task: Task) -> None:
    """Better is above nothing, worse as far below, the same is nothing; each within its interval."""
    _, targets = coded(task)
    for name in task.objectives:
        few, many = outputs(task, 24), outputs(task, 57)
        gained, lost, same = (
            task.gain(name, before, after, targets=targets, level=0.9, seed=0)
            for before, after in ((few, many), (many, few), (few, few))
        )
        difference = task.objective(name, many, targets) - task.objective(name, few, targets)
        assert gained.interval.value == pytest.approx(difference)
        assert lost.interval.value == pytest.approx(-difference)
        assert same.interval.value == 0.0
        for found in (gained, lost, same):
            assert found.interval.low <= found.interval.value <= found.interval.high
            assert 0.0 <= found.p_value <= 1.0
        assert gained.interval.low > 0.0 > lost.interval.high
        assert gained.p_value < 0.01 < same.p_value


def test_a_gain_of_calibrated_models_is_that_of_their_answers(task: Task) -> None:
    """Each by its own thresholds, as its metrics are, whatever would suit the rows at hand."""
    coding, targets = coded(task)
    outputs_of_two = outputs(task, 24), outputs(task, 57)
    n_thresholds = {"binary": 1, "multi_label": len(LABELS)}.get(task.name, 0)
    calibrations = tuple(
        Calibration(temperature, (threshold,) * n_thresholds if n_thresholds else None)
        for temperature, threshold in ((1.0, 0.999), (2.0, 0.1))
    )
    before, after = (
        task.metrics(logits, targets, coding, calibration=calibration)
        for logits, calibration in zip(outputs_of_two, calibrations, strict=True)
    )
    for name in task.objectives:
        gain = task.gain(name, *outputs_of_two, targets=targets, level=0.95, seed=0, calibrations=calibrations)
        assert gain.interval.value == pytest.approx(after[name]["value"] - before[name]["value"], abs=1e-6), name
        assert gain.interval.low <= gain.interval.value <= gain.interval.high


@pytest.mark.parametrize("calibrated", [False, True])
def test_metrics_hold_every_figure(task: Task, calibrated: bool) -> None:
    """Those that may choose as ``objective`` gives them, each within its interval; and its tables are of its labels."""
    coding, targets = coded(task)
    logits = outputs(task, 45)
    calibration = task.calibrate(logits, targets) if calibrated else None
    metrics = task.metrics(logits, targets, coding, calibration=calibration)
    for name in task.figures:
        assert metrics[name]["low"] <= metrics[name]["value"] <= metrics[name]["high"]
    for name in task.objectives if calibration is None else ():
        assert metrics[name]["value"] == pytest.approx(task.objective(name, logits, targets), abs=1e-6)
    assert {name for name in ("per_class", "confusion") if name in metrics} == set(task.tables)
    if "per_class" in task.tables:
        assert metrics["per_class"].keys() == set(coding.labels)
    if "confusion" in task.tables:
        assert metrics["confusion"]["labels"] == list(coding.labels)


@pytest.mark.parametrize("everything", [False, True])
def test_right_outputs_answer_the_cells(task: Task, everything: bool) -> None:
    """Read back as an answer, each is the cell that it was made from; a table has a cell for each of its columns."""
    coding, targets = coded(task)
    logits = outputs(task, N_ROWS)
    answers = task.answers(logits, coding, task.calibrate(logits, targets), everything=everything)
    assert len(answers) == N_ROWS
    for answer, cell in zip(answers, CELLS[task.name], strict=True):
        row = task.row_of(answer)
        assert len(row) == len(task.columns)
        again = task.read_targets([row[0]], coding, places=places(1))
        np.testing.assert_allclose(again, task.read_targets([cell], coding, places=places(1)), rtol=1e-5, atol=1e-5)
        assert ("probabilities" in answer) is (everything and bool(coding.labels))
        if "probabilities" in answer:
            assert tuple(answer["probabilities"]) == coding.labels
            assert all(0.0 <= share <= 1.0 for share in answer["probabilities"].values())
