"""The climb: each rung in turn, cheapest first, until the gain is excluded, the budget spent or the top reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from tunesmith.bundle.kinds import KINDS
from tunesmith.errors import counted, plural, quote
from tunesmith.evaluate.dead_labels import dead_labels
from tunesmith.evaluate.figures import style_of
from tunesmith.ladder.few_rows import are_few, takes_over
from tunesmith.ladder.fit import checkpoint_names
from tunesmith.ladder.fitting import reserve_s
from tunesmith.ladder.foresight import foresee
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.resolve import BY_PAIRS, SELF_TRAINED
from tunesmith.ladder.rungs import RUNGS, Rung
from tunesmith.ladder.site import GivenUpError, Site, given_up
from tunesmith.ladder.stop import Comparison, better, compare, gain_excluded
from tunesmith.machine.memory import peak_mib, reset_peak
from tunesmith.runtimes.allocator import give_back_freed_memory
from tunesmith.tasks import Calibration
from tunesmith.types import JSON, Interval

StoppedBecause = Literal["gain excluded", "budget", "top"]

_PUBLISHING_S = 3.0
_LEAST_GROUPS = 2  # one to fit on, one to score
_UNBOUNDED = ("r2",)
"""Figures for which nothing was measured beforehand that could be weighed in points."""

_SAID = {
    "gain excluded": "a gain of {min_gain:g} {points} or more by a further rung is excluded",
    "budget": "more does not fit the budget",
    "top": "the top of the ladder is reached",
}


@dataclass(frozen=True)
class Outcome:
    """What a climb has brought so far."""

    landings: tuple[Landing, ...]
    """In the order they landed, as they landed."""
    comparisons: dict[str, Comparison]
    """Each rung against the one kept before it."""
    validation: dict[str, dict[str, JSON]]
    """METRICS of each rung on the validation rows."""
    kept: Landing
    """The one kept; refit where its kind is refit."""
    calibration: Calibration
    metrics: dict[str, JSON]
    """METRICS of the kept one, on the rows its ``measured_on`` names."""
    test: dict[str, JSON] | None
    stopped_because: StoppedBecause | None
    """None while the climb goes on."""


Publish = Callable[[Outcome], None]


def climb(site: Site, rungs: Sequence[Rung], publish: Publish) -> Outcome:
    """Climb the ladder.

    Args:
        site: Rows, base model and the run's records.
        rungs: In order, each after those it starts from.
        publish: Called with every rung that becomes the kept one while others follow, and at the end.

    Returns:
        The outcome, as last published.

    Raises:
        Stopped: The user asked for it between two rungs.
    """
    kept: Landing | None = None
    comparisons: dict[str, Comparison] = {}
    validation: dict[str, dict[str, JSON]] = {}
    because: StoppedBecause = "top"
    for number, rung in enumerate(rungs):
        site.heed_stop(f"before {rung.name}")
        _foretell(site, rungs, number)
        if not _stands(site, rung):
            continue
        if not _starts(site, rung, first=number == 0):
            because = "budget"
            if any(_stands(site, later) for later in rungs[number + 1 :]):
                site.narrator.say(f"{rung.name} is left out: it does not fit the budget")
            continue
        landing = _landed_before(site, rung)
        if landing is None:
            reset_peak()
            try:
                _heed_plan(site, rung)
                landing = rung.climb(site)  # not wrapped: few frames lie between the command and the optimiser step
            except GivenUpError:
                site.narrator.say(f"{rung.name} is given up: the budget is spent")
                because = "budget"
                continue
            landing = replace(landing, peak_mib=peak_mib())
            _keep(site, rung, landing)
            give_back_freed_memory()
        site.landings[rung.name] = landing
        validation[rung.name] = _measure(site, landing)
        _track(site, landing, validation[rung.name])
        if kept is not None:
            comparisons[rung.name] = compare(landing, kept, site.task, objective=site.objective, seed=site.seed)
        wins = kept is None or _takes_over(site, landing, kept, comparison=comparisons[rung.name])
        kept = landing if wins or kept is None else kept
        _tell(site, landing, kept, metrics=validation[rung.name])
        ended = _ended(site, landing, comparisons.get(rung.name), is_last=number + 1 == len(rungs))
        if ended is not None:
            because = ended
            break
        if wins and not _published(site, rung):
            publish(_outcome(site, kept, comparisons, validation=validation, because=None))
    if kept is None:
        raise AssertionError("the first rung always starts")
    site.heed_stop("before the last figures were measured")
    least = site.recipe.ladder.min_gain
    site.narrator.say("stops here: " + _SAID[because].format(min_gain=least, points=plural(least, "point")))
    if (left := site.clock.left()) < 0.0:
        site.narrator.say(f"the budget is overrun by {-left:.0f} s")
    if _refits(site, kept):
        kept = next(rung for rung in rungs if rung.name == kept.rung).finish(site, kept)
    outcome = _outcome(site, kept, comparisons, validation=validation, because=because)
    if dead := dead_labels(outcome.metrics):
        site.narrator.say(_warned(dead, site.recipe.data.imbalance, site.objective))
    publish(outcome)
    _track_end(site, outcome)
    return outcome


def _foretell(site: Site, rungs: Sequence[Rung], number: int) -> None:
    """Tell once what the run will take: before the first rung that needs the tokens by which it is counted."""
    first = next((place for place, rung in enumerate(rungs) if rung.name != "linear"), 0)
    if number == first:
        clock = site.clock
        foreseen = foresee(site, rungs[number:], budget_s=clock.budget_s, elapsed_s=clock.elapsed())
        site.narrator.say(f"foreseen in all: {foreseen}")


def _warned(dead: Sequence[str], imbalance: str, objective: str) -> str:
    """Warn of labels that are never answered right."""
    shown = ", ".join(map(quote, dead[:5])) + (f" and {len(dead) - 5} more" if len(dead) > 5 else "")
    advice = "add rows of them" if imbalance == "weights" else "add rows of them, or try --imbalance weights"
    hides = "" if objective == "macro_f1" else f", which {style_of(objective).words} hides"
    return f"warning: no row of {shown} is answered right{hides}; {advice}"


def _takes_over(site: Site, challenger: Landing, holder: Landing, *, comparison: Comparison) -> bool:
    """Decide whether a rung replaces the one kept so far; one that learnt nothing is that one again."""
    if challenger.facts.get("taken") == 0:
        return False
    if are_few(site.data) and site.objective not in _UNBOUNDED:
        reads = not RUNGS.member(challenger.rung).USES_BASE or site.encoded.unfit() is None
        return takes_over(challenger, holder, comparison, reads=reads)
    return better(challenger, holder)


def _ended(site: Site, landing: Landing, comparison: Comparison | None, *, is_last: bool) -> StoppedBecause | None:
    """Say why the climb ends with this landing; None where it goes on."""
    if is_last:
        return "budget" if landing.cut_short else "top"
    if comparison is None or landing.cut_short or _says_nothing_of_others(site, landing):
        return None
    excluded = gain_excluded(comparison, rung=landing.rung, min_gain=site.recipe.ladder.min_gain)
    return "gain excluded" if excluded else None


def _says_nothing_of_others(site: Site, landing: Landing) -> bool:
    """Tell whether a rung that gained nothing is no reason to stop.

    It is none where all are asked for, where it began from scratch or reads words one by one, and where it has but
    learnt from more texts by what the rung before it knew, or from pairs: an encoder that is trained on labels learns
    more than these.
    """
    has_no_encoder = landing.kind in ("network", "static")
    return site.recipe.ladder.climbs_all or has_no_encoder or landing.rung in (SELF_TRAINED, BY_PAIRS)


def _refits(site: Site, kept: Landing) -> bool:
    """Decide whether the kept rung is fitted again on all rows and scored out of fold, as its kind asks for."""
    if kept.refit_s and site.data.columns.time is not None:
        site.narrator.say(f"{kept.rung} stays as it landed, on earlier rows alone: its figures are of later ones")
        return False
    if kept.refit_s and len(np.unique(site.data.groups[site.data.rows_to_choose()])) < _LEAST_GROUPS:
        site.narrator.say(f"{kept.rung} stays as it landed: its texts are too alike to score it out of fold")
        return False

    def forecast() -> JSON:
        after_s = reserve_s(site) if kept.kind in ("encoder", "adapter") else _PUBLISHING_S
        fits = kept.refit_s <= max(0.0, site.clock.left() - after_s)
        return {"refit": kept.refit_s == 0.0 or fits, "forecast_s": round(kept.refit_s, 1)}

    refit = bool(site.plan.decide(f"{kept.rung}.refit", forecast)["refit"])
    if not refit:
        site.narrator.say(f"{kept.rung} stays as it landed: fitting it on all rows does not fit the budget")
    return refit


def _stands(site: Site, rung: Rung) -> bool:
    """Tell whether what a rung starts from has landed."""
    return all(name in site.landings for name in RUNGS.member(rung.name).NEEDS)


def _starts(site: Site, rung: Rung, *, first: bool) -> bool:
    """Decide whether a rung starts: the first always does, others where their forecast fits what is left."""

    def forecast() -> JSON:
        seconds, left = rung.forecast(site), site.clock.left()
        return {"start": first or seconds <= left, "forecast_s": round(seconds, 1)}

    return bool(site.plan.decide(f"{rung.name}.start", forecast)["start"])


def _heed_plan(site: Site, rung: Rung) -> None:
    """Give a rung up where the plan followed did."""
    if site.plan.announces(given_up(rung.name)):
        site.plan.decide(given_up(rung.name), lambda: True)
        raise GivenUpError(rung.name)


def _landed_before(site: Site, rung: Rung) -> Landing | None:
    """Take what an earlier life of this run brought back from a rung."""
    kept = site.checkpoints.newest(f"{rung.name}_landed")
    if kept is None:
        return None
    site.plan.seek(kept.state["n_decisions"])
    _clear(site, rung)
    tensors = dict(kept.tensors)
    arrays = {key: tensors.pop(key).numpy() for key in ("landing.logits", "landing.targets")}
    site.narrator.say(f"{rung.name} was climbed before the stop")
    return Landing(
        **kept.state["landing"],
        model=rung.unpack(site, tensors, kept.state["model"]),
        logits=arrays["landing.logits"],
        targets=arrays["landing.targets"],
    )


def _keep(site: Site, rung: Rung, landing: Landing) -> None:
    """Put a landing on disk, so that a killed run need not climb it again."""
    tensors, state = rung.pack(landing)
    plain = {key: value for key, value in vars(landing).items() if key not in ("model", "logits", "targets")}
    arrays = {
        "landing.logits": torch.from_numpy(landing.logits),
        "landing.targets": torch.from_numpy(landing.targets),
    }
    packed = {key: torch.as_tensor(value) for key, value in tensors.items()}
    site.checkpoints.save(
        f"{rung.name}_landed",
        {**packed, **arrays},
        {"landing": plain, "model": state, "n_decisions": site.plan.n_decisions},
    )
    site.journal.append("landed", rung=rung.name, seconds=landing.seconds, peak_mib=landing.peak_mib)
    _clear(site, rung)


def _clear(site: Site, rung: Rung) -> None:
    """Give back the disk that a landed rung needs no more: a fit leaves eight times the weights it trained."""
    for name in checkpoint_names(rung.name):
        site.checkpoints.remove(name)


def _published(site: Site, rung: Rung) -> bool:
    """Tell whether an earlier life put this rung, and maybe better ones after it, in place already."""
    return any(event["rung"] == rung.name for event in site.journal.events("published"))


def _measure(site: Site, landing: Landing) -> dict[str, JSON]:
    return site.task.metrics(landing.logits, landing.targets, site.data.coding, calibration=None)


def _outcome(
    site: Site,
    kept: Landing,
    comparisons: dict[str, Comparison],
    *,
    validation: dict[str, dict[str, JSON]],
    because: StoppedBecause | None,
) -> Outcome:
    """Measure the kept landing; test rows are looked at only once the climb is over."""
    fair = slice(None) if kept.seen is None or not kept.seen.any() else kept.seen
    calibration = site.task.calibrate(kept.logits[fair], kept.targets[fair])
    rows = site.data.split.test
    test = None
    if because is not None and len(rows):
        predictor = KINDS.member(kept.kind).predictor(kept.model)
        logits = predictor.outputs([site.data.texts[row] for row in rows]).logits
        test = site.task.metrics(logits, site.data.targets[rows], site.data.coding, calibration=calibration)
    return Outcome(
        landings=tuple(site.landings.values()),
        comparisons=dict(comparisons),
        validation=dict(validation),
        kept=kept,
        calibration=calibration,
        metrics=_measure(site, kept),
        test=test,
        stopped_because=because,
    )


def _track_end(site: Site, outcome: Outcome) -> None:
    for part, metrics in (("final", outcome.metrics), ("test", outcome.test or {})):
        site.trackers.figures(part, metrics, step=len(site.landings))


def _track(site: Site, landing: Landing, metrics: dict[str, JSON]) -> None:
    costs = {"seconds": landing.seconds, "peak_mib": landing.peak_mib, "tflop": landing.tflop}
    site.trackers.figures(f"rungs/{landing.rung}", {**metrics, **costs}, step=len(site.landings))


def _tell(site: Site, landing: Landing, kept: Landing, *, metrics: dict[str, JSON]) -> None:
    name = site.objective
    style, figure = style_of(name), Interval(**metrics[name])
    verdict = "kept" if kept is landing else f"not kept ({kept.rung} stays)"
    site.narrator.say(
        f"{landing.rung}: {style.words} {style.told(figure.value)} ({style.span(figure)}) "
        f"on {counted(len(landing.targets), 'validation row')} after {site.clock.elapsed():.0f} s, {verdict}"
    )
