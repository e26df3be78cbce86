"""What happens around the optimiser step: draws, checkpoints, going back, going on, and what it is told to cost."""

from __future__ import annotations

import time
from itertools import count

import numpy as np
import pytest
import torch
from tests.ladder.tiny_climb import BATCH_TOKENS, LEARNS, SAVE_EVERY, STAYS, Home, options

from tunesmith.data.batch import random_draws
from tunesmith.errors import ArtifactError, ResourceError
from tunesmith.ladder import fitting
from tunesmith.ladder.climb import climb
from tunesmith.ladder.fit import Fit
from tunesmith.ladder.site import Site
from tunesmith.run.guard import Guard, Verdict
from tunesmith.run.lines import read_lines
from tunesmith.tasks.single_label import SingleLabel
from tunesmith.train.loop import Step
from tunesmith.train.objectives.supervised import Supervised

RUNGS = ("probe", "finetune", "refine")


@pytest.fixture
def bad_steps(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Numbers of steps at which the guard takes the run back; it has no other objection."""

    def check(guard: Guard, step: Step) -> Verdict:
        guard.n_rollbacks += step.number in numbers
        return "roll back" if step.number in numbers else "go on"

    numbers: set[int] = set()
    monkeypatch.setattr(Guard, "check", check)
    return numbers


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A copy of all weights."""
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def logged(site: Site) -> list[dict[str, object]]:
    """The log without its times."""
    return [{k: v for k, v in line.items() if k != "seconds"} for line in read_lines(site.workspace.log).records]


def test_every_row_is_drawn_once_an_epoch_and_without_regard_to_its_length(home: Home) -> None:
    """The batches are the random draws of the seed, epoch after epoch; refine has draws of its own."""
    drawn: dict[str, list[list[int]]] = {"finetune": [], "refine": []}
    home.before_after(lambda fit, step: drawn[fit._name].append(step.rows.tolist()))
    site, _ = home.climbed(ladder__rungs=RUNGS, run__seed=5, **options("finetune", STAYS))
    n_tokens = site.encoded.tokens.select(site.data.split.train).n_tokens
    for rung, seed in (("finetune", 5), ("refine", 6)):
        epochs = [random_draws(n_tokens, batch_tokens=BATCH_TOKENS, seed=seed, epoch=epoch) for epoch in range(5)]
        expected = [draw.tolist() for epoch in epochs for draw in epoch]
        assert len(drawn[rung]) > 3 * len(epochs[0])
        assert drawn[rung] == expected[: len(drawn[rung])]
        first_epoch = np.concatenate(drawn[rung][: len(epochs[0])])
        assert sorted(first_epoch) == list(range(len(n_tokens)))


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    home: Home, bad_steps: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken back before and after the stop, shortened by the clock: the same weights and the same steps to the bit.

    The stop writes a checkpoint at a step at which an uninterrupted run has none; going back must not end there.
    """

    def steps_that_fit(fit: Fit) -> int:
        asked.append(fit.state.number)
        return 60

    asked: list[int] = []
    bad_steps |= {3, 46}
    monkeypatch.setattr(fitting, "scoring_points", lambda steps, **_: (20, 38, 50, steps))
    monkeypatch.setattr(Fit, "_steps_that_fit", steps_that_fit)
    home.stopped(after=41)
    resumed, _ = home.climbed(resume=True)
    whole, _ = home.climbed("whole", follow=resumed.workspace.plan)
    assert asked == sorted(set(asked)), "a decision of the plan was taken again"
    assert {20, 38, 50} <= set(asked)
    assert [line["step"] for line in logged(resumed) if "loss" in line] == list(range(1, 61))
    assert logged(resumed) == logged(whole)
    landings = [site.landings["finetune"] for site in (resumed, whole)]
    assert landings[0].facts == landings[1].facts
    both = [weights(landing.model.classifier) for landing in landings]
    torch.testing.assert_close(both[0], both[1], rtol=0.0, atol=0.0)


def test_a_damaged_checkpoint_costs_time_and_nothing_else(home: Home) -> None:
    """The run goes on from the one before, says so, and ends in the same bits."""
    home.stopped(after=36)
    checkpoints = home.folder / "model.work" / "checkpoints"
    for name in ("finetune_stopped-1", "finetune-3"):
        file = checkpoints / name / "tensors.safetensors"
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    resumed, _ = home.climbed(resume=True)
    whole, _ = home.climbed("whole", follow=resumed.workspace.plan)
    assert [line for line in home.told if "goes on" in line] == ["finetune goes on after step 16 of 76"]
    assert sum("finetune-3 is damaged (bundle-changed) and was passed over" in line for line in home.told) == 1
    assert logged(resumed) == logged(whole)
    both = [weights(site.landings["finetune"].model.classifier) for site in (resumed, whole)]
    torch.testing.assert_close(both[0], both[1], rtol=0.0, atol=0.0)


def damage_best(fit: Fit, *, newest_only: bool) -> None:
    """Flip a bit of the best weights on the disk, and forget those in memory, as a run does that goes on later."""
    folder = fit._site.workspace.checkpoints
    found = sorted(folder.glob("finetune_best-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    assert len(found) == 2
    for path in found[newest_only:]:
        data = bytearray((path / "tensors.safetensors").read_bytes())
        data[-1] ^= 1
        (path / "tensors.safetensors").write_bytes(data)
    fit.best_logits = None


def test_best_weights_that_are_damaged_give_way_to_the_best_before(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user is told, and the landing tells of the weights that it holds; where none are left, the run ends."""
    monkeypatch.setattr(fitting, "scoring_points", lambda steps, **_: (20, 38, steps))
    figures = count(1)  # every point is better than the one before, whatever the model learns
    monkeypatch.setattr(SingleLabel, "objective", lambda *_: next(figures) / 1000)
    ends, take_best = [], Fit.take_best

    def damaged(fit: Fit) -> np.ndarray:
        if fit._name == "finetune" and not ends:
            ends.append(fit.state.best_number)
            damage_best(fit, newest_only=newest_only)
        return take_best(fit)

    monkeypatch.setattr(Fit, "take_best", damaged)
    newest_only = True
    site, _ = home.climbed(ladder__rungs=RUNGS[:2])
    facts = site.landings["finetune"].facts
    assert facts["best_step"] < ends[0]
    expected = f"of step {ends[0]}, are damaged; of step {facts['best_step']} are kept"
    assert sum(expected in line for line in home.told) == 1
    newest_only = False
    ends.clear()
    with pytest.raises(ArtifactError, match="checkpoint-lost"):
        home.climbed("lost", ladder__rungs=RUNGS[:2])


def test_a_run_that_goes_wrong_at_once_starts_again_with_lower_rates(
    home: Home, bad_steps: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first planned checkpoint there is the start to go back to; all rates after it are halved."""

    def roll_back(fit: Fit, step: Step) -> None:
        went_back(fit, step)
        restored.append(weights(fit.objective.classifier))

    went_back, restored = Fit._roll_back, []
    monkeypatch.setattr(Fit, "_roll_back", roll_back)
    rates: dict[str, list[float]] = {"sound": [], "bad": []}
    for name, numbers in (("sound", set()), ("bad", {3})):
        bad_steps |= numbers
        told = rates[name]
        home.before_after(lambda fit, step, told=told: told.append(fit.optimizer.param_groups[-1]["lr"]))
        site, _ = home.climbed(name, rung__finetune__epochs=1.0)
    start = weights(site.landings["probe"].model.classifier)
    torch.testing.assert_close(restored[0], start, rtol=0.0, atol=0.0)
    assert rates["bad"][:3] == rates["sound"][:3]
    assert rates["bad"][3:] == [0.5 * rate for rate in rates["sound"][3:]]


def test_a_landed_fit_leaves_no_checkpoints(home: Home) -> None:
    """What is needed to take up the climb stays; what was needed to take up the fit goes, however it had been left."""
    home.stopped(after=SAVE_EVERY + 2)
    folder = home.folder / "model.work" / "checkpoints"
    assert {path.name.rpartition("-")[0] for path in folder.iterdir()} >= {"finetune", "finetune_stopped"}
    with home.site(resume=True) as (site, rungs):
        climb(site, rungs, lambda outcome: None)
        assert {path.name.rpartition("-")[0] for path in folder.iterdir()} == {"probe_landed", "finetune_landed"}


def test_seconds_of_a_fit_are_those_of_all_its_lives(home: Home) -> None:
    """The forecast of refine and the report are made from them."""
    start = time.monotonic()
    home.stopped(after=8, rung__finetune__epochs=0.5)
    first_life = time.monotonic() - start
    journal = read_lines(home.folder / "model.work" / "journal.jsonl").records
    begun, stopped = (next(line["elapsed"] for line in journal if line.get("step") == step) for step in (0, 8))
    landing = home.climbed(resume=True, rung__finetune__epochs=0.5)[0].landings["finetune"]
    both_lives = time.monotonic() - start
    second_life = landing.seconds - (stopped - begun)
    assert 0.0 < second_life < both_lives - first_life


def test_what_a_killed_life_spent_is_written_down_as_it_goes(home: Home) -> None:
    """The journal has a line for each checkpoint and each scored point, so a kill loses little of the clock."""
    home.stopped(after=42)
    journal = read_lines(home.folder / "model.work" / "journal.jsonl").records
    events = [(line["event"], line.get("step")) for line in journal]
    expected = [("saved", 0), ("saved", 16), ("saved", 32), ("scored", 38), ("saved", 42), ("stopped", None)]
    assert events[-len(expected) :] == expected
    with home.site(resume=True) as (site, rungs):
        assert site.clock.elapsed() >= journal[-1]["elapsed"] > 0.0
        climb(site, rungs, lambda outcome: None)


def test_a_run_that_cannot_be_trained_names_lines_of_the_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user knows the file, not the rows that were drawn from it."""
    sound = Supervised.loss_sum
    monkeypatch.setattr(Supervised, "loss_sum", lambda self, batch: sound(self, batch) * float("nan"))
    seen: list[np.ndarray] = []
    home.before_after(lambda fit, step: seen.append(fit._site.data.split.train[step.rows] + 2))
    with pytest.raises(ResourceError, match="went wrong again after 3 roll backs") as told:
        home.climbed()
    named = str(told.value.found).partition("lines ")[2].removesuffix(", ...").split(", ")
    assert len(named) == 20
    assert {int(line) for line in named} <= set(np.concatenate(seen[-3:]).tolist())


def test_a_run_that_goes_on_leaves_the_better_model_in_place(home: Home) -> None:
    """On the way up again, no earlier rung's model takes the place of what had been published before the stop."""
    settings = options("finetune", LEARNS)
    home.stopped(rung="refine", after=5, ladder__rungs=RUNGS, **settings)
    assert home.published == ["probe", "finetune"]
    site, outcome = home.climbed(resume=True, ladder__rungs=RUNGS, **settings)
    assert home.published == ["probe", "finetune", outcome.kept.rung]
    assert list(site.landings) == list(RUNGS)
