"""Putting a fit together: options, groups, loss, schedule, and the plan of its steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.bundle.schema import MethodFacts
from tunesmith.data.balance import repeats
from tunesmith.data.batch import MicroBatch, pack, random_draws
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import counted, plural
from tunesmith.ladder.coverage import most_windows
from tunesmith.ladder.fit import Fit, FitPlan, Rows, scoring_points, seconds_per_token
from tunesmith.ladder.loop_options import LoopOptions
from tunesmith.ladder.site import Ground, Site
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder import pretrained
from tunesmith.models.flops import forward_flops, training_flops
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.methods import METHODS, Allocator, load_method
from tunesmith.models.network import Network
from tunesmith.models.step_cost import StepCost, step_cost
from tunesmith.runtimes.torch import keep_below
from tunesmith.train.averaging import keep_average
from tunesmith.train.losses import LOSSES
from tunesmith.train.objectives.supervised import Supervised
from tunesmith.train.optimisers import OPTIMISERS
from tunesmith.train.parameter_groups import parameter_groups
from tunesmith.train.schedules import SCHEDULES
from tunesmith.types import JSON

SHARE_OF_WHAT_IS_LEFT = 0.85
"""Of the budget that a fit may plan for, so that its schedule ends inside."""

EXPECTED_SHARE_OF_MATMUL_RATE = 0.6
"""Used where the encoder's rate has not been seen yet."""

_LEAST_EPOCHS, _LEAST_TOKENS = 0.3, 50_000
"""Of training that can bring something: a part of a pass, and no more tokens than about that part of ten thousand short
texts has."""
_N_TIMED_DRAWS = 2
_WARM_UP_SHARE = 0.25
_TOKENS_OF_A_PART = 512
"""Of which a pass keeps a half of what 1,024 take, for a twentieth more time; 256 take a seventh more."""
_OVERHEAD = 1.1
"""Of a step over its forward and backward pass: clipping, optimiser, scoring, checkpoints."""


_WHOLE_OVER_RATE = 1.22
"""A whole fit, in seconds that its products take at the measured rate."""

HEAD_RATE = 1e-3
"""Of AdamW: peak rate of a head that starts solved."""


class FitOptions(LoopOptions):
    """How the encoder is trained."""

    FEWEST_EPOCHS: ClassVar[float] = 2.0
    MOST_EPOCHS: ClassVar[float] = 8.0
    TOKENS_WORTH_SEEING: ClassVar[int] = 512_000

    epochs: float | None = Field(None, gt=0.0, le=1000.0)
    """Passes over the train rows; left out, 2 to 8 by their number of tokens, and what the budget allows."""

    method: str = "full"
    """Which weights learn: full, or a method that trains fewer, such as lora."""

    method_options: dict[str, Any] = Field(default_factory=dict)
    """Options of the method."""

    learning_rate: float | None = Field(None, gt=0.0, le=1.0)
    """Peak rate of the top layer; left out, that of the method, times what the optimiser needs."""

    head_learning_rate: float | None = Field(None, ge=0.0, le=1.0)
    """Peak rate of the head, which starts solved; left out, 0.001, times what the optimiser needs."""

    layer_decay: float | None = Field(None, gt=0.0, le=1.0)
    """Factor on the rate for each layer further down; left out, that of the method."""

    dropout: float | None = Field(None, ge=0.0, lt=1.0)
    """Share of the encoder's values that a step zeroes at random; left out, as the base model was trained."""

    pooling: Literal["probe", "attention"] = "probe"
    """How tokens become one vector: as the probe does it, or by weights that are learnt, which begin as its mean."""

    def micro_batch(self) -> MicroBatch:
        """Say how much of a step passes at once.

        Returns:
            What is asked for; else parts of a step where the base stays as it is: little has a gradient to be summed
            up then, and most memory is what a pass leaves for its way back.
        """
        asked = super().micro_batch()
        is_small = asked == MicroBatch() and METHODS.member(self.method).LEAVES_BASE
        return MicroBatch(tokens=_TOKENS_OF_A_PART) if is_small else asked


@dataclass(frozen=True)
class SetUp:
    """A fit with its model and its rows."""

    fit: Fit
    model: EncoderModel
    rows: Rows
    told: dict[str, JSON]
    """What learns: the method, and how many weights of the encoder and of how many."""
    cost: StepCost
    """Of the fit's passes."""


def set_up(site: Site, options: FitOptions, *, name: str, seed: int) -> SetUp:
    """Put together all that a fit needs, from the probe's head to the plan of its steps.

    Args:
        site: The climb; the probe has landed.
        options: How the encoder is trained.
        name: Name of the fit in plan, log and checkpoints.
        seed: Of draws and dropout.

    Returns:
        The fit, ready to begin.
    """
    data = site.data
    model, allocator = fresh_model(site, options)
    drawn = drawn_rows(site)
    rows = Rows(
        train=_kept_below(site, model, trained_on(site, drawn, name), name=f"{name}-train"),
        train_places=data.places.select(drawn),
        validation=_kept_below(
            site, model, site.encoded.tokens.select(data.split.validation), name=f"{name}-validation"
        ),
        validation_targets=data.targets[data.split.validation],
    )
    method = METHODS.member(options.method)
    groups = parameter_groups(
        model.classifier.encoder.layer_groups(),
        model.classifier.top_parameters(),
        learning_rate=options.learning_rate or method.LEARNING_RATE,
        head_learning_rate=HEAD_RATE if options.head_learning_rate is None else options.head_learning_rate,
        layer_decay=options.layer_decay or method.LAYER_DECAY,
        weight_decay=options.weight_decay,
    )
    objective = supervised(site, options, model.classifier, drawn=drawn, allocator=allocator)
    fit = fit_of(site, options, objective, groups=groups, rows=rows, name=name, seed=seed)
    cost = step_cost(pretrained(model.classifier.encoder), keeps_below=rows.train.hidden is not None)
    return SetUp(fit=fit, model=model, rows=rows, told=_what_learns(site, model, options.method, name=name), cost=cost)


def _what_learns(site: Site, model: EncoderModel, method: str, *, name: str) -> dict[str, JSON]:
    """Count the weights that learn among those of the layers, and say so where they are not all."""
    encoder = model.classifier.encoder
    n_trained = sum(part.numel() for part in encoder.parameters() if part.requires_grad)
    n_weights = sum(part.numel() for group in site.encoded.encoder.layer_groups()[1:] for part in group)
    if method != "full":
        share = f"{100 * n_trained / n_weights:.2f} % of the layers'"
        site.narrator.say(f"{name}: by the method {method} {n_trained:,} weights learn, {share}")
    return {"method": method, "trained_weights": n_trained, "layer_weights": n_weights}


def supervised(
    site: Site,
    options: LoopOptions,
    classifier: EncoderClassifier,
    *,
    drawn: NDArray[np.int64],
    allocator: Allocator | None = None,
) -> Supervised:
    """Give a classifier its loss and the targets of the rows it is fitted on.

    Args:
        site: The climb.
        options: Say which loss.
        classifier: To be trained.
        drawn: Rows that an epoch draws from.
        allocator: Moves about what may be learnt; None where nothing is moved.

    Returns:
        What the loop trains.
    """
    classifier.trained_in = site.precision
    named = options.loss or site.task.loss
    weights = site.weights_of(drawn) if site.recipe.data.imbalance == "weights" else None
    return Supervised(
        classifier,
        LOSSES.member(named).build(LOSSES.options(named, options.loss_options)),
        torch.from_numpy(site.data.targets[drawn]),
        weights=None if weights is None else torch.from_numpy(weights),
        allocator=allocator,
    )


def fit_of(
    site: Site,
    options: LoopOptions,
    objective: Supervised,
    *,
    groups: list[dict[str, Any]],
    rows: Rows,
    name: str,
    seed: int,
) -> Fit:
    """Build optimiser and schedule, and plan the steps.

    Args:
        site: The climb.
        options: Which of them, and for how long.
        objective: What is trained.
        groups: Its parameters, in groups of one rate.
        rows: To fit and to score on.
        name: Name of the fit in plan, log and checkpoints.
        seed: Of the draws.

    Returns:
        The fit, ready to begin.
    """
    member = OPTIMISERS.member(options.optimiser)
    schedule = options.schedule or member.SCHEDULE
    optimizer: torch.optim.Optimizer = member.build(
        groups, OPTIMISERS.options(options.optimiser, options.optimiser_options)
    )
    if options.ema_decay is not None:
        keep_average(optimizer, options.ema_decay)
    return Fit(
        site,
        name,
        objective,
        optimizer=optimizer,
        schedule=SCHEDULES.member(schedule).build(SCHEDULES.options(schedule, options.schedule_options)),
        rows=rows,
        fit_plan=_plan(site, options, objective, rows=rows, name=name, seed=seed),
    )


def _kept_below(site: Site, model: EncoderModel, tokens: TokenSet, *, name: str) -> TokenSet:
    """Keep what the layers that do not learn make of rows, where there are such layers and they can be left out."""
    encoder = pretrained(model.classifier.encoder)
    if encoder.n_frozen <= 1 or not encoder.starts_anywhere:
        return tokens
    what = counted(encoder.n_frozen - 1, "layer makes", "layers make")
    site.narrator.say(f"{name}: what {what} of {counted(tokens.n_rows, 'row')} is computed once")
    return keep_below(encoder, tokens, site.features / f"{name}.npy")


def drawn_rows(site: Site) -> NDArray[np.int64]:
    """List the rows that an epoch draws from.

    Args:
        site: The climb.

    Returns:
        Each train row once, or rows of rare labels more often.
    """
    train = site.data.split.train
    return np.repeat(train, repeats(site.data.strata[train])) if site.recipe.data.imbalance == "resample" else train


def trained_on(site: Site, drawn: NDArray[np.int64], name: str) -> TokenSet:
    """Take the tokens to train on.

    Args:
        site: The climb.
        drawn: Rows that an epoch draws from.
        name: Of the fit, to tell the user.

    Returns:
        Those of these rows; of a very long text only so many windows that a step stays in memory.
    """
    rows = site.encoded.tokens.select(drawn)
    most = most_windows(site, rows)
    n_long = int((rows.n_windows() > most).sum())
    if n_long:
        site.narrator.say(
            f"{name}: of {counted(n_long, 'long text')} training reads {counted(most, 'window')}"
            f"{plural(n_long, '', ' each')}, spread evenly; scores read all"
        )
    return rows.at_most(most)


def _plan(site: Site, options: LoopOptions, objective: Supervised, *, rows: Rows, name: str, seed: int) -> FitPlan:
    """Plan the steps once: as many as are worth taking and fit into 85 % of what is left."""
    tokens_per_epoch = int(rows.train.n_tokens.sum())
    batch_tokens = options.tokens_of_a_step(tokens_per_epoch)
    draws = random_draws(rows.train.n_tokens, batch_tokens=batch_tokens, seed=seed, epoch=0)
    steps_per_epoch = float(len(draws))  # long rows make them longer than batch_tokens, and fewer
    wanted = max(1, math.ceil(options.passes(tokens_per_epoch) * steps_per_epoch))
    kept_s = reserve_s(site, objective.classifier.encoder)

    def measured() -> JSON:
        batches = [pack(rows.train, draw) for draw in _timed(draws)]
        token_s = _OVERHEAD * seconds_per_token(objective, batches, options.micro_batch())
        step_s = token_s * tokens_per_epoch / steps_per_epoch
        affordable = (SHARE_OF_WHAT_IS_LEFT * site.clock.left() - kept_s) / step_s
        return {
            "steps": max(1, int(min(wanted, affordable))),
            "save_every": max(1, round(options.save_every_s / step_s)),
        }

    decided = site.plan.decide(f"{name}.steps", measured)
    steps = int(decided["steps"])
    points = scoring_points(
        steps,
        steps_per_epoch=steps_per_epoch,
        training_tokens=round(steps * tokens_per_epoch / steps_per_epoch),
        scored_tokens=int(rows.validation.n_tokens.sum()),
    )
    return FitPlan(
        steps=steps,
        points=points,
        batch_tokens=batch_tokens,
        save_every=int(decided["save_every"]),
        patience=options.patience,
        reserve_s=kept_s,
        wanted=wanted,
    )


def _timed(draws: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Take part of a draw to warm up and two whole ones: all of this work is done for the clock alone."""
    first, *whole = draws[: 1 + _N_TIMED_DRAWS]
    return [first[: max(1, round(_WARM_UP_SHARE * len(first)))], *whole]


def reserve_s(ground: Ground, network: Network | None = None) -> float:
    """Foresee what comes after a fit: the test rows, and writing the bundle.

    Args:
        ground: Rows, base model and rate.
        network: Reads the test rows; the base model where left out.

    Returns:
        Seconds.
    """
    tokens = ground.encoded.tokens.select(ground.data.split.test)
    rate = 1e9 * (ground.encoded.encode_gflops or EXPECTED_SHARE_OF_MATMUL_RATE * ground.matmul_gflops)
    lengths = tokens.lengths()
    flops = forward_flops(ground.encoded.config, lengths) if network is None else network.forward_flops(lengths)
    return 6.0 + flops / rate


def least_seconds(ground: Ground) -> float:
    """Foresee the least seconds in which training can bring something.

    Args:
        ground: Rows, base model and rate.

    Returns:
        Seconds of three tenths of a pass, or of fifty steps where the rows are many, and of what comes after, with
        the share of the budget that is never planned.
    """
    encoded = ground.encoded
    lengths = encoded.tokens.select(ground.data.split.train).lengths()
    rate = (encoded.encode_gflops or EXPECTED_SHARE_OF_MATMUL_RATE * ground.matmul_gflops) * 1e9
    epochs = min(_LEAST_EPOCHS, _LEAST_TOKENS / max(int(lengths.sum()), 1))
    fit_s = 3.0 + epochs * training_flops(encoded.config, lengths) / rate
    return (fit_s + reserve_s(ground)) / SHARE_OF_WHAT_IS_LEFT


def whole_fit_s(ground: Ground, options: FitOptions) -> float:
    """Foresee a fit of the base model that nothing cuts short.

    Args:
        ground: Rows, base model and rate.
        options: How many passes.

    Returns:
        Seconds, scoring and checkpoints included: 1.1 to 1.35 times what the rate of the machine allows, on four sets.
    """
    lengths = ground.encoded.tokens.select(ground.data.split.train).lengths()
    flops = options.passes(int(lengths.sum())) * training_flops(ground.encoded.config, lengths)
    return _WHOLE_OVER_RATE * flops / (1e9 * ground.matmul_gflops)


def method_facts(options: FitOptions) -> MethodFacts | None:
    """Say how an encoder is trained whose base stays as it is.

    Args:
        options: How the encoder is trained.

    Returns:
        Method and all its options; None where the encoder is saved whole.
    """
    if not METHODS.member(options.method).LEAVES_BASE:
        return None
    settings = METHODS.options(options.method, options.method_options)
    return MethodFacts(name=options.method, options=settings.model_dump(mode="json"))


def fresh_model(site: Site, options: FitOptions) -> tuple[EncoderModel, Allocator | None]:
    """Put the probe's head on a fresh copy of the base encoder.

    Args:
        site: The climb; the probe has landed.
        options: Say what learns: weights that do not are the base's own and not a copy.

    Returns:
        The model; what can be trained is shared with no other rung's. And what moves about what may be learnt, if
        anything does.
    """
    like: EncoderClassifier = site.landings["probe"].model.classifier
    n_outputs, n_features = like.head.weight.shape
    head = LinearHead(n_features, n_outputs)
    head.load_state_dict(like.head.state_dict())
    method = load_method(options.method, options.method_options)
    copied = site.encoded.copy_encoder(method, seed=site.seed)  # one seed for every fit: an average needs one start
    if options.dropout is not None:
        copied.encoder.set_dropout(options.dropout)
    pooling = like.pooling if options.pooling == "probe" else options.pooling
    classifier = EncoderClassifier(copied.encoder, pooling, head, unit_length=like.unit_length, pairing=like.pairing)
    model = EncoderModel(
        classifier=classifier,
        tokenizer=site.encoded.tokenizer,
        base_folder=site.base.folder,
        max_seq_length=site.encoded.max_seq_length,
        joins=site.encoded.joins,
        method=method_facts(options),
    )
    return model, copied.allocator
