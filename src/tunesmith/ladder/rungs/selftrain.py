"""``selftrain``: the probe's head taught by texts without labels as well, through its own surest answers to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.config import Settings
from tunesmith.data.split import folds
from tunesmith.errors import counted
from tunesmith.evaluate.calibration import apply_temperature, calibrated_log_loss, fit_temperature
from tunesmith.ladder.encoding import EncodedTexts
from tunesmith.ladder.fitting import EXPECTED_SHARE_OF_MATMUL_RATE, reserve_s
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.precision import Precision, precision_facts, precision_of, seen_in
from tunesmith.ladder.rungs import probe
from tunesmith.ladder.site import Ground, Site
from tunesmith.models.flops import forward_flops
from tunesmith.models.supervision import Supervision
from tunesmith.train.pseudo_labels import sure_answers
from tunesmith.train.solvers.quasi_newton import HeadSolution, solve_head
from tunesmith.types import JSON, Text, as_one

_SHARE_OF_BUDGET = 0.25
"""Of what is left, to encode texts without labels in."""

_FEWEST_ROWS = 200
"""Texts without labels that are worth a start, where there are as many."""

_SOLVES_TO_THE_PROBE = 5.0
"""Heads that are solved until it lands, to those that the probe solves once it is kept: 32 with five folds, to six."""

_FINE, _COARSE = 3e-4, 1e-3
"""Tolerances of a head that is kept, and of one that only answers texts or is measured."""

_L2_TO_THE_PROBE = (1.0, 0.3, 0.1)
"""Penalties worth trying, to the probe's: more rows need less of a pull. One as strong as a few rows ask for holds the
weights back so far that classes differ by how many answers of each are taken."""

NEEDS: tuple[str, ...] = ("probe",)
"""Rungs whose landing it starts from."""

USES_BASE = True
"""Whether it needs the pretrained encoder."""


class Options(Settings):
    """Which answers to texts without labels are taken for labels, and what they count."""

    confidence: float = Field(0.8, gt=0.0, lt=1.0)
    """Mean calibrated probability of the answers that are taken: the share of them that should be right."""

    weight: float = Field(0.1, gt=0.0, le=1.0)
    """How much such a text counts beside a labelled one."""

    most_rows: int = Field(10_000, ge=1)
    """Texts without labels that are used at most; of more, some are drawn at random."""

    n_folds: int = Field(5, ge=2, le=20)
    """Folds of the out-of-fold figures, and of the answers that confidence is calibrated on."""


@dataclass(frozen=True)
class Lesson:
    """What heads are taught from: labelled rows, and texts without labels."""

    features: NDArray[np.float32]
    """Of B labelled rows, ``[B, H]``."""
    wanted: Supervision
    """What they are fitted to."""
    unlabelled: NDArray[np.float32]
    """Of U texts without labels, ``[U, H]``."""
    l2: float
    """Penalty of heads of labelled rows alone."""
    confidence: float
    """Mean calibrated probability of the answers that are taken."""
    weight: float
    """How much such a text counts beside a labelled row."""
    heed: Callable[[], None] = lambda: None
    """Called before each head is solved."""

    def choose_l2(self, rows: NDArray[np.int64], fold_of: NDArray[np.int64]) -> float:
        """Choose the penalty of heads that are taught, by the calibrated loss of rows that a head has not seen.

        Args:
            rows: The labelled rows that may be seen.
            fold_of: Fold of each of these.

        Returns:
            The strength; the probe's where there is but one fold.
        """
        alone, seen = self._out_of_fold(rows, fold_of)
        if not seen.any():
            return self.l2
        targets = self.wanted.targets[rows]
        temperature = fit_temperature(alone[seen], targets[seen])
        outputs = {factor * self.l2: alone.copy() for factor in _L2_TO_THE_PROBE}
        for fold in np.unique(fold_of):
            held = fold_of == fold
            features, wanted = self._with_answers(rows[~held], temperature)
            start = None
            for l2, found in outputs.items():  # from strong to weak, each from the one before
                self.heed()
                head = solve_head(features, wanted, l2=l2, start=start, tolerance=_COARSE)
                start = head.weight, head.bias
                found[held] = head.logits(self.features[rows[held]])
        return min(outputs, key=lambda l2: calibrated_log_loss(outputs[l2][seen], targets[seen]))

    def taught(
        self, rows: NDArray[np.int64], fold_of: NDArray[np.int64], *, l2: float, tolerance: float = _FINE
    ) -> Taught:
        """Fit a head to labelled rows, let it answer the other texts, and fit one to both.

        Args:
            rows: The labelled rows that may be seen; no other tells anything, through the temperature neither.
            fold_of: Fold of each of these, whose answers by heads that have not seen it calibrate the confidence.
            l2: Penalty of the head that is given back.
            tolerance: See ``solve_head``.

        Returns:
            The head.
        """
        logits, seen = self._out_of_fold(rows, fold_of)
        temperature = fit_temperature(logits[seen], self.wanted.targets[rows[seen]]) if seen.any() else 1.0
        features, wanted = self._with_answers(rows, temperature)
        self.heed()
        head = solve_head(features, wanted, l2=l2, tolerance=tolerance)
        return Taught(head, temperature, len(wanted) - len(rows))

    def _out_of_fold(
        self, rows: NDArray[np.int64], fold_of: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Answer each row by a head that has not seen it; and tell where it has seen its class."""
        features, wanted = self.features[rows], self.wanted[rows]
        logits = np.zeros((len(rows), wanted.n_outputs), dtype=np.float32)
        seen = np.zeros(len(rows), dtype=np.bool_)
        for fold in np.unique(fold_of):
            held = fold_of == fold
            if held.all():
                break
            self.heed()
            head = solve_head(features[~held], wanted[~held], l2=self.l2, tolerance=_COARSE)
            logits[held] = head.logits(features[held])
            seen[held] = np.isin(wanted.targets[held], wanted.targets[~held])
        return logits, seen

    def _with_answers(self, rows: NDArray[np.int64], temperature: float) -> tuple[NDArray[np.float32], Supervision]:
        """Put the texts whose answers are taken beside labelled rows, by a head of these rows alone."""
        features, wanted = self.features[rows], self.wanted[rows]
        self.heed()
        head = solve_head(features, wanted, l2=self.l2, tolerance=_COARSE)
        of_rows = np.ones(len(rows), dtype=np.float32) if wanted.weights is None else wanted.weights
        of_class = np.bincount(wanted.targets, weights=of_rows, minlength=wanted.n_outputs)
        taken = sure_answers(
            apply_temperature(head.logits(self.unlabelled), temperature),
            confidence=self.confidence,
            shares=of_class / of_class.sum(),
        )
        weights = np.concatenate([of_rows, self.weight * taken.weights])
        both = replace(
            wanted,
            targets=np.concatenate([wanted.targets, taken.targets]),
            weights=(weights / weights.mean()).astype(np.float32),
        )
        return np.concatenate([features, self.unlabelled[taken.rows]]), both


@dataclass(frozen=True, slots=True)
class Taught:
    """A head that texts without labels have taught."""

    head: HeadSolution
    temperature: float
    """By which the answers of the head before it were calibrated."""
    n_taken: int
    """Texts whose answer was taken for their label."""


class SelfTrain(probe.KeepsHead):
    """A linear head on a frozen encoder, taught by its own surest answers.

    Args:
        options: Which answers are taken.
    """

    name = "selftrain"

    def __init__(self, options: Options) -> None:
        self._options = options

    def forecast(self, ground: Ground) -> float:
        """Foresee the seconds of as many texts as are worth a start.

        Args:
            ground: Rows, base model and rate.

        Returns:
            Seconds, with those of what comes after.
        """
        n_texts = min(_FEWEST_ROWS, self._options.most_rows, len(ground.data.unlabelled))
        solves_s = _SOLVES_TO_THE_PROBE * ground.landings["probe"].refit_s if "probe" in ground.landings else 0.0
        return 2.0 + n_texts * _seconds_of_a_text(ground) + solves_s + reserve_s(ground)

    def whole(self, ground: Ground) -> float:
        """Foresee the seconds of this rung where nothing cuts it short: see ``Rung``."""
        n_texts = min(self._options.most_rows, len(ground.data.unlabelled))
        return 2.0 + n_texts * _seconds_of_a_text(ground)

    def climb(self, site: Site) -> Landing:
        """Encode texts without labels, answer them, and fit the head to the surest answers too.

        Args:
            site: The climb.

        Returns:
            The landing.
        """
        started = time.monotonic()
        data = site.data
        n_texts = self._affordable(site)
        encoded = self._texts(site, n_texts)
        lesson = self._lesson(site, encoded, may_give_up=True)
        rows = data.rows_to_choose()
        train, validation = (probe.positions_of(rows, part) for part in (data.split.train, data.split.validation))
        fold_of = self._folds(site, data.split.train)
        l2 = lesson.choose_l2(train, fold_of)
        teaching = time.monotonic()
        taught = lesson.taught(train, fold_of, l2=l2)
        if not taught.n_taken:  # nothing was learnt, and another penalty alone is not what this rung is for
            l2 = lesson.l2
            taught = lesson.taught(train, fold_of, l2=l2)
        refit_s = (1 + self._options.n_folds) * (time.monotonic() - teaching)
        self._tell(site, taught, n_texts)
        logits, targets = taught.head.logits(lesson.features[validation]), data.targets[data.split.validation]
        form = _form(site)
        return Landing(
            rung=self.name,
            kind="encoder",
            model=probe.probe_model(site, form, solution=taught.head),
            logits=logits,
            targets=targets,
            objective=site.task.objective(site.objective, logits, targets),
            loss=site.task.held_out_loss(logits, targets),
            measured_on=f"validation rows{seen_in(_precision(site))}",
            seconds=time.monotonic() - started,
            tflop=forward_flops(encoded.config, encoded.tokens.lengths()) / 1e12,
            refit_s=refit_s,
            facts={
                **form.facts(),
                **precision_facts(_precision(site)),
                "l2": l2,
                "texts": n_texts,
                "taken": taught.n_taken,
                "temperature": taught.temperature,
            },
        )

    def finish(self, site: Site, landing: Landing) -> Landing:
        """Score every row by a head that has not seen it, nor was taught by one that has; then teach one from all rows.

        Args:
            site: The climb.
            landing: As it landed.

        Returns:
            The landing with out-of-fold figures and the final head.
        """
        data = site.data
        rows = data.rows_to_choose()
        lesson = self._lesson(site, self._texts(site, int(landing.facts["texts"])))
        fold_of, l2 = self._folds(site, rows), float(landing.facts["l2"])
        logits = np.empty((len(rows), site.n_outputs), dtype=np.float32)
        seen = np.empty(len(rows), dtype=np.bool_)
        for fold in range(self._options.n_folds):
            site.heed_stop(f"while {self.name} was scored out of fold")
            site.narrator.progress(f"{self.name}, out of fold", fold / self._options.n_folds)
            held, others = fold_of == fold, np.flatnonzero(fold_of != fold)
            taught = lesson.taught(others, self._folds(site, rows[others]), l2=l2, tolerance=_COARSE)
            logits[held] = taught.head.logits(lesson.features[held])
            seen[held] = np.isin(data.strata[rows[held]], data.strata[rows[others]])
        site.narrator.progress(f"{self.name}, out of fold", 1.0)
        final = lesson.taught(np.arange(len(rows)), fold_of, l2=l2)
        return replace(
            landing,
            model=probe.probe_model(site, _form(site), solution=final.head),
            logits=logits,
            targets=data.targets[rows],
            seen=seen,
            measured_on=f"{len(rows)} train and validation rows, each by a head that had not seen it"
            + seen_in(precision_of(landing.facts)),
        )

    def _affordable(self, site: Site) -> int:
        """Decide how many texts its share of the budget suffices for."""
        most = min(self._options.most_rows, len(site.data.unlabelled))

        def forecast() -> JSON:
            affordable = _SHARE_OF_BUDGET * max(site.clock.left(), 0.0) / _seconds_of_a_text(site)
            return int(min(most, max(affordable, _FEWEST_ROWS)))

        n_texts = int(site.plan.decide(f"{self.name}.texts", forecast))
        if n_texts < len(site.data.unlabelled):
            why = "it takes no more" if n_texts == self._options.most_rows else "what fits its share of the budget"
            site.narrator.say(f"{self.name}: {n_texts} of {len(site.data.unlabelled)} texts without labels, {why}")
        return n_texts

    def _texts(self, site: Site, n_texts: int) -> EncodedTexts:
        """Draw so many texts without labels."""
        texts = site.data.unlabelled
        drawn = np.sort(np.random.Generator(np.random.PCG64(site.seed)).permutation(len(texts))[:n_texts])
        return EncodedTexts(
            site.base,
            [texts[place] for place in drawn],
            site.features / "unlabelled",
            joins=site.encoded.joins,
            beside=site.encoded,
        )

    def _lesson(self, site: Site, encoded: EncodedTexts, *, may_give_up: bool = False) -> Lesson:
        """Put labelled rows and texts without labels together, in the probe's form."""
        form, rows = _form(site), site.data.rows_to_choose()
        how: dict[str, Any] = {"poolings": (form.pooling,), "precision": _precision(site), "rung": self.name}
        labelled, unlabelled = (
            form.of(probe.told_features(site, texts, which, may_give_up=may_give_up, **how))
            for texts, which in ((site.encoded, rows), (encoded, np.arange(encoded.tokens.n_rows)))
        )

        def heed() -> None:
            site.heed_stop("while texts without labels were learnt from")
            if may_give_up:
                site.heed_budget(self.name)

        return Lesson(
            features=labelled,
            wanted=site.wanted(rows),
            unlabelled=unlabelled,
            l2=float(site.landings["probe"].facts["l2"]),
            confidence=self._options.confidence,
            weight=self._options.weight,
            heed=heed,
        )

    def _folds(self, site: Site, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Deal rows out to folds."""
        data = site.data
        return folds(data.strata[rows].tolist(), data.groups[rows], n_folds=self._options.n_folds, seed=site.seed)

    def _tell(self, site: Site, taught: Taught, n_texts: int) -> None:
        """Say how many answers were taken for labels."""
        share = f"{100.0 * self._options.confidence:.0f} %"
        taken = f"answers to {taught.n_taken} of {counted(n_texts, 'text')} without labels are"
        none = f"no answer to {counted(n_texts, 'text')} without labels is sure enough"
        told = f"{taken} taken for labels, of which {share} should be right" if taught.n_taken else none
        site.narrator.say(f"{self.name}: {told}")


def build(options: Options) -> SelfTrain:
    """Build the rung.

    Args:
        options: Which answers are taken.

    Returns:
        The rung.
    """
    return SelfTrain(options)


def _form(site: Site) -> probe.Form:
    """How the probe makes features."""
    return probe.Form.of_facts(site.landings["probe"].facts)


def _precision(site: Site) -> Precision:
    """In which precision the probe's head was solved."""
    return precision_of(site.landings["probe"].facts)


def _seconds_of_a_text(ground: Ground) -> float:
    """Foresee what it takes to encode a text without a label, by its length beside that of labelled ones."""
    encoded, data = ground.encoded, ground.data
    flops = forward_flops(encoded.config, encoded.tokens.lengths()) / max(len(data.texts), 1)
    longer = _mean_length(data.unlabelled) / max(_mean_length(data.texts), 1.0)
    rate = (encoded.encode_gflops or EXPECTED_SHARE_OF_MATMUL_RATE * ground.matmul_gflops) * 1e9
    return longer * flops / rate


def _mean_length(texts: Sequence[Text]) -> float:
    return sum(len(as_one(text)) for text in texts) / max(len(texts), 1)
