"""Rungs whose networks are trained from scratch: the user's rows are all that their weights have seen."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import ClassVar, Literal

import torch
from pydantic import Field

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.config import Settings
from tunesmith.ladder.fit import Rows
from tunesmith.ladder.fitting import (
    SHARE_OF_WHAT_IS_LEFT,
    SetUp,
    drawn_rows,
    fit_of,
    reserve_s,
    supervised,
    trained_on,
)
from tunesmith.ladder.keeping import KeepsTrained
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.loop_options import LoopOptions
from tunesmith.ladder.rungs.finetune import landing_of
from tunesmith.ladder.site import Ground, Site
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder import refuse_unknown_tokens
from tunesmith.models.flops import FORWARD_PASSES_OF_A_STEP
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.networks import NETWORKS
from tunesmith.models.pairings import load_pairing
from tunesmith.models.step_cost import StepCost
from tunesmith.models.word_network import NetworkShape, WordNetwork, fresh_network, rows_of_tokens
from tunesmith.train.loop import fit_steps
from tunesmith.train.parameter_groups import parameter_groups
from tunesmith.types import PackedTokens

_LEAST_EPOCHS = 1.0


class ScratchOptions(LoopOptions):
    """How a network is trained from scratch."""

    FEWEST_EPOCHS: ClassVar[float] = 3.0
    MOST_EPOCHS: ClassVar[float] = 20.0
    TOKENS_WORTH_SEEING: ClassVar[int] = 2_500_000

    epochs: float | None = Field(None, gt=0.0, le=1000.0)
    """Passes over the train rows; left out, 3 to 20 by their number of tokens, and what the budget allows."""

    learning_rate: float | None = Field(None, gt=0.0, le=1.0)
    """Peak rate; left out, that of the network, times what the optimiser needs."""

    embedding_size: int = Field(128, ge=1, le=8192)
    """Width of the word vectors."""

    embeddings: Literal["random", "base"] = "random"
    """What the word vectors begin as: drawn, or those of the base model, projected where they are of another width."""

    word_dropout: float = Field(0.1, ge=0.0, le=0.95)
    """Share of the tokens that a training step takes for unknown ones, so that their vector learns too."""

    pooling: Literal["attention", "cls", "max", "mean"] | None = None
    """How tokens become one vector; left out, as it goes with the network."""

    pairing: Literal["ordered", "symmetric"] = "ordered"
    """How the vectors of both texts of a pair become its features."""


class FromScratch(KeepsTrained):
    """A network trained from scratch.

    Args:
        name: Of the rung, which is that of the network.
        options: How it is trained, and its shape.
    """

    def __init__(self, name: str, options: ScratchOptions) -> None:
        self.name = name
        self._options = options
        self._member = NETWORKS.member(name)

    def forecast(self, ground: Ground) -> float:
        """Foresee the least seconds worth starting for: one pass.

        Args:
            ground: Rows, base model and rate.

        Returns:
            Seconds of a pass and of what comes after, with the share of the budget that is never planned.
        """
        network = self._meta_network(ground)
        fit_s = self._fit_s(ground, network, epochs=_LEAST_EPOCHS)
        return (fit_s + reserve_s(ground, network)) / SHARE_OF_WHAT_IS_LEFT

    def whole(self, ground: Ground) -> float:
        """Foresee the seconds of this rung where nothing cuts it short: see ``Rung``."""
        lengths = ground.encoded.tokens.select(ground.data.split.train).lengths()
        return self._fit_s(ground, self._meta_network(ground), epochs=self._options.passes(int(lengths.sum())))

    def climb(self, site: Site) -> Landing:
        """Train from weights that are drawn, score as planned, keep the best.

        Args:
            site: The climb.

        Returns:
            The landing.
        """
        started = time.monotonic()
        setup = self._set_up(site)
        fit = setup.fit
        fit.begin(site.seed)
        started -= fit.earlier_s  # what the checkpoint cost counts, what a kill undid does not
        for step in fit_steps(
            fit.objective,
            fit.batches(site.seed),
            fit.optimizer,
            max_grad_norm=self._options.max_grad_norm,
            micro_batch=self._options.micro_batch(),
            first_number=fit.state.number + 1,
        ):
            fit.after(step)
        fit.take_best()
        landing = landing_of(site, self.name, setup, seconds=time.monotonic() - started)
        return replace(landing, kind="network")

    def _meta_network(self, ground: Ground) -> WordNetwork:
        """Build the network without numbers: operations are counted by shapes alone."""
        with torch.device("meta"):
            return WordNetwork(self._shape(ground, rows=1))

    def _fit_s(self, ground: Ground, network: WordNetwork, *, epochs: float) -> float:
        """Foresee the seconds of so many passes."""
        lengths = ground.encoded.tokens.select(ground.data.split.train).lengths()
        share: float = self._member.SHARE_OF_MATMUL_RATE
        rate = share * ground.matmul_gflops * 1e9
        return 1.0 + epochs * FORWARD_PASSES_OF_A_STEP * network.forward_flops(lengths) / rate

    def fresh(self, site: Site) -> EncoderModel:
        """Draw a network that knows the tokens of the train rows, under a head of zeros.

        Args:
            site: The climb.

        Returns:
            The model.
        """
        options, encoded = self._options, site.encoded
        seen = encoded.tokens.select(site.data.split.train)
        vocab_size = encoded.config.vocab_size
        refuse_unknown_tokens(PackedTokens(encoded.tokens.input_ids, encoded.tokens.lengths()), vocab_size)
        row_of = rows_of_tokens(seen.input_ids, vocab_size)
        network = fresh_network(
            self._shape(site, rows=int(row_of.max()) + 1),
            row_of,
            torch.Generator().manual_seed(site.seed),
            unread=options.word_dropout,
            vectors=encoded.encoder.word_vectors().cpu() if options.embeddings == "base" else None,
        )
        pairing = None if encoded.tokens.side is None else options.pairing
        width = network.hidden_size if pairing is None else load_pairing(pairing).width(network.hidden_size)
        classifier = EncoderClassifier(
            network.to(site.device),
            options.pooling or self._member.POOLING,
            LinearHead(width, site.n_outputs),
            unit_length=False,
            pairing=pairing,
        )
        return EncoderModel(
            classifier=classifier,
            tokenizer=encoded.tokenizer,
            base_folder=site.base.folder,
            max_seq_length=encoded.max_seq_length,
            joins=encoded.joins,
        )

    def _set_up(self, site: Site) -> SetUp:
        """Put together all that the fit needs."""
        data, options = site.data, self._options
        model, drawn = self.fresh(site), drawn_rows(site)
        rows = Rows(
            train=trained_on(site, drawn, self.name),
            train_places=data.places.select(drawn),
            validation=site.encoded.tokens.select(data.split.validation),
            validation_targets=data.targets[data.split.validation],
        )
        rate = options.learning_rate or self._member.LEARNING_RATE
        groups = parameter_groups(
            model.classifier.encoder.layer_groups(),
            model.classifier.top_parameters(),
            learning_rate=rate,
            head_learning_rate=rate,
            layer_decay=1.0,
            weight_decay=options.weight_decay,
        )
        objective = supervised(site, options, model.classifier, drawn=drawn)
        fit = fit_of(site, options, objective, groups=groups, rows=rows, name=self.name, seed=site.seed)
        return SetUp(fit=fit, model=model, rows=rows, told={"embeddings": options.embeddings}, cost=StepCost())

    def _shape(self, ground: Ground, *, rows: int) -> NetworkShape:
        """Say how large all is, with so many rows in the table."""
        options, config = self._options, ground.encoded.config
        own: type[Settings] = self._member.Options
        values = options.model_dump(mode="json")
        return NetworkShape(
            network=self.name,
            options={key: values[key] for key in own.model_fields},
            embedding_size=options.embedding_size,
            word_size=config.embedding_size if options.embeddings == "base" else options.embedding_size,
            rows=rows,
            vocab_size=config.vocab_size,
        )
