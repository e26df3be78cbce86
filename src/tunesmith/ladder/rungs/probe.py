"""``probe``: the base encoder frozen, each text encoded once, a linear head solved on the stored features."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.bundle.schema import Kind
from tunesmith.config import Settings
from tunesmith.config.recipe import Names
from tunesmith.data.split import folds
from tunesmith.data.tokenize import TokenSet
from tunesmith.ladder.encoding import EncodedTexts
from tunesmith.ladder.few_rows import are_few
from tunesmith.ladder.fitting import reserve_s
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.part import choose_part, encoding_s, fewest
from tunesmith.ladder.precision import (
    Asked,
    Precision,
    choose_precision,
    precision_facts,
    precision_of,
    rounded_encoder,
    seen_in,
)
from tunesmith.ladder.site import Ground, Site
from tunesmith.ladder.stop import compare_outputs
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.flops import forward_flops
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.pairings import load_pairing
from tunesmith.models.supervision import Supervision
from tunesmith.tasks import Task
from tunesmith.train.solvers.quasi_newton import (
    HeadSolution,
    choose_l2,
    choose_l2_out_of_fold,
    solve_head,
    solve_out_of_fold,
)
from tunesmith.types import JSON

_N_FOLDS = 5
_SHARE_OF_CHOOSING = 0.35
"""Of the time that pooling and penalty take to choose, what one more head costs."""
_SHARE_OF_CHOOSING_OUT_OF_FOLD = 0.03
"""The same where each pooling and penalty has five heads."""
_TOLERANCE = 3e-3
"""Of every head, so that a temperature fitted on heads that have not seen their rows is that of the head that is kept.

With 1e-3 a head takes twice the steps, and on the test rows of banking77, clinc150, phrasebank and sst2 neither its
accuracy nor its calibrated log loss is better by more than a hundredth of itself.
"""

_TOLERANCE_OF_FEW = 3e-4
"""Of heads of few rows, which cost nothing."""

_WHOLE_OVER_RATE = 1.0
"""Encoding and solving, in seconds that encoding in float32 takes at the measured rate: 1.1 to 1.25 on four sets, and
about 0.75 where texts are encoded in whole numbers."""
_WRITTEN_DOWN_S = 30.0


class Options(Settings):
    """What the probe may choose among."""

    poolings: Names = Field(("mean", "max"), min_length=1)
    """Poolings of the encoder's output to try."""

    pairings: Names = Field(("symmetric", "ordered"), min_length=1)
    """Pairings of two texts to try, where rows are pairs."""

    n_folds: int = Field(_N_FOLDS, ge=2, le=20)
    """Folds of the out-of-fold figures."""

    features: Asked = "auto"
    """Precision in which texts are encoded to solve the head on: int8 is whole numbers of 8 bits, auto takes them
    where a trial shows that it is faster here and moves the features little. The model itself stays float32."""


_READ = "train_rows"
"""Fact of a landing that has read a part of the train rows: how many."""

NEEDS: tuple[str, ...] = ()
"""Rungs whose landing it starts from."""

USES_BASE = True
"""Whether it needs the pretrained encoder."""


class KeepsHead:
    """A rung that solves a head on the frozen base and keeps nothing but it."""

    def pack(self, landing: Landing) -> tuple[Mapping[str, Tensor], JSON]:
        """Take the head out.

        Args:
            landing: As it landed.

        Returns:
            Tensors and JSON.
        """
        weight, bias = self.head_of(landing.model)
        form = Form(landing.model.pooling, landing.model.pairing)
        return {"weight": torch.tensor(weight), "bias": torch.tensor(bias)}, form.facts()

    def unpack(self, site: Site, tensors: Mapping[str, Tensor], state: JSON) -> Any:
        """Put the head back on the base.

        Args:
            site: The climb.
            tensors: As packed.
            state: As packed.

        Returns:
            The model.
        """
        solution = HeadSolution(weight=tensors["weight"].numpy(), bias=tensors["bias"].numpy(), loss=0.0, iterations=0)
        return self.model_of(site, Form.of_facts(state), solution=solution)

    def head_of(self, model: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Take the head out of a model.

        Args:
            model: From ``model_of``.

        Returns:
            Weight ``[C, F]`` and bias ``[C]``.
        """
        head = model.classifier.head
        return head.weight.detach().cpu().numpy(), head.bias.detach().cpu().numpy()

    def model_of(self, site: Site, form: Form, *, solution: HeadSolution) -> Any:
        """Put a solved head on what its features came from.

        Args:
            site: The climb.
            form: How tokens became the features.
            solution: The head.

        Returns:
            What ``bundle.kinds`` of this rung's kind saves.
        """
        return probe_model(site, form, solution=solution)


class Probe(KeepsHead):
    """A linear head on a frozen encoder.

    Args:
        options: Poolings to try.
    """

    name = "probe"
    kind: Kind = "encoder"

    def __init__(self, options: Options) -> None:
        self._options = options

    def forecast(self, ground: Ground) -> float:
        """Foresee the seconds of as many rows as are worth a start, from tokens, the encoder's size and the rate.

        Args:
            ground: Rows, base model and rate.

        Returns:
            Seconds, with those of what comes after.
        """
        return encoding_s(ground, fewest(ground)) + reserve_s(ground)

    def whole(self, ground: Ground) -> float:
        """Foresee the seconds of this rung where nothing cuts it short: see ``Rung``."""
        tokens = ground.encoded.tokens.select(ground.data.rows_to_choose())
        return 1.0 + _WHOLE_OVER_RATE * self.flops(ground, tokens) / (1e9 * ground.matmul_gflops)

    def climb(self, site: Site) -> Landing:
        """Encode the rows, or as many as there is time for, solve a head for each pooling, keep the best.

        Args:
            site: The climb.

        Returns:
            The landing.
        """
        started = time.monotonic()
        data = site.data
        read = choose_part(site, self.name, reserve_s=reserve_s(site))
        rows = np.sort(np.concatenate([read, data.split.validation]))
        how: dict[str, Any] = {"rung": self.name, "poolings": self._options.poolings}
        precision = choose_precision(site, self._options.features, **how)
        features = self._features(site, rows, precision=precision, may_give_up=True)
        train, validation = positions_of(rows, read), positions_of(rows, data.split.validation)
        targets = data.targets[rows]
        solving = time.monotonic()
        pairings = self._options.pairings if site.encoded.tokens.side is not None else (None,)
        forms = [Form(pooling, pairing) for pairing in pairings for pooling in self._options.poolings]
        few = are_few(data)
        if few:
            choice = self._choose_for_few(site, features, forms, rows=rows, train=train)
        else:
            choice = _choose(features, forms, site.task, wanted=site.wanted(rows), train=train, held=validation)
        share = _SHARE_OF_CHOOSING_OUT_OF_FOLD if few else _SHARE_OF_CHOOSING
        refit_s = (1 + self._options.n_folds) * share * (time.monotonic() - solving)
        is_part = len(read) < len(data.split.train)
        if is_part:  # and all rows are to be encoded then
            n_tokens = site.encoded.tokens.n_tokens
            more = float(n_tokens[data.rows_to_choose()].sum()) / float(n_tokens[rows].sum())
            refit_s = more * (refit_s + solving - started)
        form, solution = choice.form, choice.solution
        logits = solution.logits(form.of(features)[validation])
        return Landing(
            rung=self.name,
            kind=self.kind,
            model=self.model_of(site, form, solution=solution),
            logits=logits,
            targets=targets[validation],
            objective=site.task.objective(site.objective, logits, targets[validation]),
            loss=site.task.held_out_loss(logits, targets[validation]),
            measured_on=f"validation rows{seen_in(precision)}",
            seconds=time.monotonic() - started,
            tflop=self.flops(site, site.encoded.tokens.select(rows)) / 1e12,
            refit_s=refit_s,
            facts={
                **form.facts(),
                "l2": choice.l2,
                **({_READ: len(read)} if is_part else {}),
                **precision_facts(precision),
            },
        )

    def finish(self, site: Site, landing: Landing) -> Landing:
        """Score every row by a head that has not seen it, then solve the final head on all rows.

        Args:
            site: The climb.
            landing: As it landed.

        Returns:
            The landing with out-of-fold figures and the final head.
        """
        data = site.data
        rows = data.rows_to_choose()
        form, l2 = Form.of_facts(landing.facts), float(landing.facts["l2"])
        precision = precision_of(landing.facts)
        features = form.of(self._features(site, rows, precision=precision))
        targets = data.targets[rows]
        strata = data.strata[rows]
        fold_of = self._folds(site, rows)
        start = self.head_of(landing.model)
        wanted = site.wanted(rows)
        tolerance = _TOLERANCE_OF_FEW if are_few(data) else _TOLERANCE
        final = solve_head(features, wanted, l2=l2, start=start, tolerance=tolerance)

        def heed(fold: int) -> None:
            site.heed_stop("while the probe was scored out of fold")
            site.narrator.progress("probe, out of fold", fold / self._options.n_folds)

        logits = solve_out_of_fold(features, wanted, fold_of=fold_of, l2=l2, tolerance=tolerance, heed=heed)
        site.narrator.progress("probe, out of fold", 1.0)
        seen = np.empty(len(rows), dtype=np.bool_)
        for fold in np.unique(fold_of):
            held = fold_of == fold
            seen[held] = np.isin(strata[held], strata[~held])
        return replace(
            landing,
            model=self.model_of(site, form, solution=final),
            logits=logits,
            targets=targets,
            seen=seen,
            measured_on=f"{len(rows)} train and validation rows, each by a head that had not seen it"
            + seen_in(precision),
            facts={key: value for key, value in landing.facts.items() if key != _READ},
        )

    def flops(self, site: Ground, tokens: TokenSet) -> float:
        """Count the operations that the features of rows take.

        Args:
            site: The ground.
            tokens: The rows.

        Returns:
            Operations of all matrix products.
        """
        return forward_flops(site.encoded.config, tokens.lengths())

    def _folds(self, site: Site, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Deal the rows out to folds."""
        data = site.data
        return folds(data.strata[rows].tolist(), data.groups[rows], n_folds=self._options.n_folds, seed=site.seed)

    def _choose_for_few(
        self,
        site: Site,
        features: Mapping[str, NDArray[np.float32]],
        forms: Sequence[Form],
        *,
        rows: NDArray[np.int64],
        train: NDArray[np.int64],
    ) -> _Choice:
        """Choose the penalty out of fold, and another form than the first only where it is proven better.

        A few rows cannot tell poolings apart: of 18 draws of 16 to 616 rows the maximum did worse than the mean on the
        test rows of 17, by up to 12 points, and yet better out of fold on seven (``benchmarks/few_labels``).
        """
        fold_of, wanted = self._folds(site, rows), site.wanted(rows)
        how: dict[str, Any] = {"task": site.task, "objective": site.objective, "seed": site.seed}

        def scored(form: Form) -> tuple[Form, float, NDArray[np.float32]]:
            return form, *choose_l2_out_of_fold(form.of(features), wanted, fold_of=fold_of)

        form, l2, outputs = scored(forms[0])
        for rival in map(scored, forms[1:]):
            if compare_outputs(outputs, rival[2], targets=wanted.targets, **how).gain.low > 0.0:
                form, l2, outputs = rival
        solution = solve_head(form.of(features)[train], wanted[train], l2=l2)
        return _Choice(form, l2, solution, site.task.held_out_loss(outputs, wanted.targets))

    def _features(
        self, site: Site, rows: NDArray[np.int64], *, precision: Precision, may_give_up: bool = False
    ) -> dict[str, NDArray[np.float32]]:
        how: dict[str, Any] = {"poolings": self._options.poolings, "rung": self.name, "may_give_up": may_give_up}
        return told_features(site, site.encoded, rows, precision=precision, **how)


def told_features(
    site: Site,
    texts: EncodedTexts,
    rows: NDArray[np.int64],
    *,
    poolings: Sequence[str],
    precision: Precision,
    rung: str,
    may_give_up: bool = False,
) -> dict[str, NDArray[np.float32]]:
    """Encode rows, telling how far it is and heeding the user.

    Args:
        site: The climb.
        texts: Those of the training file, or others.
        rows: Which of them, ascending, ``[B]``.
        poolings: Ways to make one vector of a text's tokens.
        precision: Of the encoder.
        rung: The one that asks for them.
        may_give_up: Give the rung up once the budget is spent.

    Returns:
        See ``EncodedTexts.features``.
    """
    rounded = None if precision == "fp32" else partial(rounded_encoder, site)
    return texts.features(rows, poolings, heeding(site, rung, may_give_up=may_give_up), rounded=rounded)


def heeding(site: Site, rung: str, *, may_give_up: bool) -> Callable[[int, int], None]:
    """Tell how far an encoding is, heeding the user and the budget.

    Args:
        site: The climb.
        rung: The one that asks for it.
        may_give_up: Give the rung up once the budget is spent.

    Returns:
        What takes tokens done and tokens in all.
    """
    started = written = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal written
        site.heed_stop("while the texts were encoded")
        if may_give_up and done < total:
            site.heed_budget(rung)
        share = done / max(total, 1)
        passed = time.monotonic() - started
        if time.monotonic() - written > _WRITTEN_DOWN_S:  # a kill must not give these seconds back
            written = time.monotonic()
            site.journal.append("encoding", rung=rung, share=round(share, 3))
        site.narrator.progress(f"{rung}, encoding", share, passed * (1.0 - share) / max(share, 1e-9))

    return progress


def build(options: Options) -> Probe:
    """Build the rung.

    Args:
        options: Poolings to try.

    Returns:
        The rung.
    """
    return Probe(options)


def positions_of(rows: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find where each wanted row stands among sorted rows.

    Args:
        rows: Ascending.
        wanted: Some of them.

    Returns:
        Places from 0, one for each that is wanted.
    """
    return np.searchsorted(rows, wanted)


@dataclass(frozen=True, slots=True)
class Form:
    """How the tokens of a row become its features."""

    pooling: str
    pairing: str | None
    """None where a row is one text, or read as one."""

    def of(self, features: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Make the features of rows out of the vectors of their texts.

        Args:
            features: By pooling ``[B, H]``, or ``[B, 2, H]`` of pairs.

        Returns:
            ``[B, F]``.
        """
        vectors = features[self.pooling]
        if self.pairing is None:
            return vectors
        one, other = (torch.from_numpy(np.ascontiguousarray(vectors[:, side])) for side in (0, 1))
        return load_pairing(self.pairing)(one, other).numpy()

    def facts(self) -> dict[str, JSON]:
        """Give the form as facts of a landing.

        Returns:
            ``{"pooling"}``, and ``"pairing"`` of pairs.
        """
        return {"pooling": self.pooling, **({} if self.pairing is None else {"pairing": self.pairing})}

    @classmethod
    def of_facts(cls, facts: Mapping[str, JSON]) -> Form:
        """Read the form back.

        Args:
            facts: From ``facts``, others among them.

        Returns:
            The form.
        """
        return cls(str(facts["pooling"]), facts.get("pairing"))


@dataclass(frozen=True)
class _Choice:
    """A head solved on the train rows, and its loss on the held-out ones once calibrated."""

    form: Form
    l2: float
    solution: HeadSolution
    loss: float


def _choose(
    features: Mapping[str, NDArray[np.float32]],
    forms: Sequence[Form],
    task: Task,
    *,
    wanted: Supervision,
    train: NDArray[np.int64],
    held: NDArray[np.int64],
) -> _Choice:
    """Choose pooling, pairing and penalty by held-out rows.

    A form that is worse than the best so far at that one's penalty is given up: on banking77, clinc150, phrasebank
    and sst2 its own penalty lowers its log loss by 3 % at most, poolings differ by 4 % or more, and the walk to find
    the penalty takes three times as long as one head.
    """

    def solved(form: Form, l2: float | None) -> _Choice:
        vectors = form.of(features)
        if l2 is None:
            l2, solution = choose_l2(vectors, wanted, train=train, validation=held, tolerance=_TOLERANCE)
        else:
            solution = solve_head(vectors[train], wanted[train], l2=l2, tolerance=_TOLERANCE)
        loss = task.held_out_loss(solution.logits(vectors[held]), wanted.targets[held])
        return _Choice(form, l2, solution, loss)

    best = solved(forms[0], None)
    for form in forms[1:]:
        rival = solved(form, best.l2)
        if rival.loss < best.loss:
            best = min(rival, solved(form, None), key=lambda choice: choice.loss)
    return best


def probe_model(site: Site, form: Form, *, solution: HeadSolution) -> EncoderModel:
    """Put a head that was solved on stored features on the frozen base.

    Args:
        site: The climb.
        form: How tokens became the features.
        solution: The head.

    Returns:
        The model.
    """
    n_outputs, n_features = solution.weight.shape
    head = LinearHead(n_features, n_outputs)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(np.asarray(solution.weight)))
        head.bias.copy_(torch.from_numpy(np.asarray(solution.bias)))
    classifier = EncoderClassifier(site.encoded.encoder, form.pooling, head, unit_length=True, pairing=form.pairing)
    classifier.eval()
    return EncoderModel(
        classifier=classifier,
        tokenizer=site.encoded.tokenizer,
        base_folder=site.base.folder,
        max_seq_length=site.encoded.max_seq_length,
        joins=site.encoded.joins,
    )
