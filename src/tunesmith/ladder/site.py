"""What the rungs of one climb share: the rows, the base model, the run's records, and what came out before."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tunesmith.config.recipe import Recipe
from tunesmith.data.check import Finding
from tunesmith.errors import Stopped
from tunesmith.ladder.encoding import EncodedTexts
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.narrate import Narrator
from tunesmith.ladder.prepare import Prepared
from tunesmith.models.base import BaseModel, find_base
from tunesmith.run.checkpoint import Checkpoints
from tunesmith.run.clock import Clock
from tunesmith.run.journal import Journal
from tunesmith.run.log import RunLog
from tunesmith.run.plan import Plan
from tunesmith.run.signals import StopRequested
from tunesmith.run.workspace import Workspace
from tunesmith.tasks import Task


@dataclass(kw_only=True)
class Ground:
    """What a forecast needs: the rows, the base model and the machine's rate."""

    recipe: Recipe
    task: Task
    data: Prepared
    matmul_gflops: float
    """Measured at the start, for forecasts only."""
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
        return self.recipe.ladder.metric

    @cached_property
    def base(self) -> BaseModel:
        """The pretrained encoder, found when first asked for."""
        return find_base(self.recipe.base.name, offline=self.recipe.run.offline)

    @cached_property
    def encoded(self) -> EncodedTexts:
        """Tokens and features of all rows, made once."""
        return EncodedTexts(self.base, self.data.texts, self.features)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the file, and with its texts for the base model."""
        unfit = self.encoded.unfit() if self.uses_base else None
        return (*self.data.findings, unfit) if unfit else self.data.findings

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about the file and what was found, a sentence each."""
        return (*self.data.notes, *(finding.message for finding in self.findings))


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

    def heed_stop(self, place: str) -> None:
        """End the run here if the user has asked for it.

        Args:
            place: Where the run stands, as in "stopped <place>".

        Raises:
            Stopped: The user has; the run can be resumed.
        """
        if self.stop.requested:
            raise Stopped("stopped", f"stopped {place}", where=str(self.workspace.out), advice="go on with --resume")
