"""What the rungs of one climb share: the rows, the base model, the run's records, and what came out before."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tunesmith.config.recipe import Recipe
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
