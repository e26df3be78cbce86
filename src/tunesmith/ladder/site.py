"""What the rungs of one climb share: the rows, the base model, the run's records, and what came out before."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunesmith.config.recipe import Recipe
from tunesmith.data.balance import balanced_weights, repeats
from tunesmith.data.check import Finding
from tunesmith.data.joined import JOINED
from tunesmith.data.scripts import letter_scripts
from tunesmith.errors import ResourceError, Stopped
from tunesmith.ladder.encoding import EncodedTexts
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.narrate import Narrator
from tunesmith.ladder.prepare import Prepared
from tunesmith.machine.device import Precision
from tunesmith.models.base import BaseModel, find_base
from tunesmith.models.likelihoods import Likelihood, load_likelihood
from tunesmith.models.supervision import Supervision
from tunesmith.run.checkpoint import Checkpoints
from tunesmith.run.clock import Clock
from tunesmith.run.journal import Journal
from tunesmith.run.log import RunLog
from tunesmith.run.plan import Plan
from tunesmith.run.signals import StopRequested
from tunesmith.run.workspace import Workspace
from tunesmith.tasks import Task
from tunesmith.track import Trackers
from tunesmith.types import as_one


class GivenUpError(Exception):
    """A rung was given up in the middle, since the budget is spent; what landed before it stands."""


@dataclass(kw_only=True)
class Ground:
    """What a forecast needs: the rows, the base model and the machine's rate."""

    recipe: Recipe
    task: Task
    data: Prepared
    matmul_gflops: float
    """Measured at the start, for forecasts only."""
    device: str = "cpu"
    """Where encoders and networks are computed."""
    precision: Precision = "fp32"
    """What a training step multiplies."""
    uses_base: bool = True
    """Whether some rung starts from the base model; where none does, it is never looked for."""
    landings: dict[str, Landing] = field(default_factory=dict)
    """By rung, in the order they landed."""
    features: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    """Folder where features wait."""

    @property
    def seed(self) -> int:
        """Start of every random choice."""
        return self.recipe.run.seed

    @property
    def objective(self) -> str:
        """Name of the figure that chooses."""
        return self.recipe.ladder.metric or self.task.objectives[0]

    @cached_property
    def likelihood(self) -> Likelihood:
        """What a row's outputs say of its target."""
        return load_likelihood(self.task.likelihood)

    @property
    def n_outputs(self) -> int:
        """Outputs of a model of this task."""
        return self.task.n_outputs(self.data.coding)

    def wanted(self, rows: NDArray[np.int64]) -> Supervision:
        """Say what rows are fitted to.

        Args:
            rows: Which rows, ``[B]``.

        Returns:
            Their targets with the likelihood of the task.
        """
        return Supervision(self.likelihood, self.n_outputs, self.data.targets[rows], self.weights_of(rows))

    def weights_of(self, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Say how much each row counts, where rare labels are to count more.

        Args:
            rows: Which rows, ``[B]``.

        Returns:
            ``[B]``, of mean 1; None where all count alike.
        """
        match self.recipe.data.imbalance:
            case "weights":
                return balanced_weights(self.data.strata[rows])
            case "resample":
                often = repeats(self.data.strata[rows])
                weights: NDArray[np.float32] = (often / often.mean()).astype(np.float32)
                return weights
        return None

    @cached_property
    def base(self) -> BaseModel:
        """The pretrained encoder, found when first asked for."""
        return find_base(self.recipe.base.name, offline=self.recipe.run.offline)

    @cached_property
    def encoded(self) -> EncodedTexts:
        """Tokens and features of all rows, made once."""
        joins = self.data.are_pairs and self.recipe.base.pairs == JOINED
        return EncodedTexts(self.base, self.data.texts, self.features, device=self.device, joins=joins)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the file, and with its texts for the base model."""
        unfit = self.encoded.unfit() if self.uses_base else None
        return (*self.data.findings, unfit) if unfit else self.data.findings

    @cached_property
    def scripts(self) -> dict[str, float]:
        """Share of the texts' letters in each script."""
        return letter_scripts(list(map(as_one, self.data.texts)))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about the file and what was found, a sentence each."""
        return (*self.data.notes, *(finding.told for finding in self.findings))


@dataclass(kw_only=True)
class Site(Ground):
    """The place of one climb: its ground and the records of the run."""

    workspace: Workspace
    plan: Plan
    journal: Journal
    checkpoints: Checkpoints
    clock: Clock
    log: RunLog
    stop: StopRequested
    narrator: Narrator
    base_sha256: str = ""
    """Digest of the base model's weights; empty where none is used."""
    trackers: Trackers = field(default_factory=lambda: Trackers({}, lambda line: None))

    def heed_stop(self, place: str) -> None:
        """End the run here if the user has asked for it.

        Args:
            place: Where the run stands, as in "stopped <place>".

        Raises:
            Stopped: The user has; the run can be resumed.
        """
        if self.stop.requested:
            raise Stopped("stopped", f"stopped {place}", where=str(self.workspace.out), advice="go on with --resume")

    def heed_budget(self, rung: str) -> None:
        """Give up a rung whose end cannot be brought forward once the budget is spent.

        Args:
            rung: The rung being climbed.

        Raises:
            GivenUpError: The budget is spent; it is written into the plan.
            ResourceError: ``budget-spent``, and no rung has landed before this one.
        """
        if self.plan.announces(given_up(rung)):  # after decisions of the rung itself, in the run that is followed
            self.plan.decide(given_up(rung), lambda: True)
            raise GivenUpError(rung)
        if self.clock.left() >= 0.0 or self.plan.following:
            return
        if not self.landings:
            raise ResourceError(
                "budget-spent",
                f"the budget was spent before {rung} could land, and nothing had landed before it",
                where=str(self.workspace.out),
                found=f"{self.clock.elapsed():.0f} s",
                advice="go on with --resume and a longer --budget, or begin with the rung linear",
            )
        self.plan.decide(given_up(rung), lambda: True)
        raise GivenUpError(rung)


def given_up(rung: str) -> str:
    """Name the decision to give a rung up.

    Args:
        rung: Its name.

    Returns:
        A key of the plan.
    """
    return f"{rung}.given_up"
