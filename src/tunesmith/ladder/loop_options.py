"""Options of everything that is trained step by step: how long, in what steps, with which loss, optimiser, schedule."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from tunesmith.config import Settings
from tunesmith.data.batch import MicroBatch

_TOKENS_FOR_LARGE_STEPS = 100_000


class LoopOptions(Settings):
    """How training goes."""

    FEWEST_EPOCHS: ClassVar[float]
    MOST_EPOCHS: ClassVar[float]
    TOKENS_WORTH_SEEING: ClassVar[int]
    """Tokens of all passes together that are worth their time, as far as that makes neither too few nor too many."""

    epochs: float | None = Field(None, gt=0.0, le=1000.0)
    """Passes over the train rows; left out, by their number of tokens, and what the budget allows."""

    batch_tokens: int | None = Field(None, ge=16, le=1_000_000)
    """Real tokens of an optimiser step; left out, 1,024, or 512 where a pass would have fewer than 100 such steps."""

    micro_batch_size: int | None = Field(None, ge=1)
    """Rows of one forward pass; left out, all of a step at once."""

    micro_batch_tokens: int | None = Field(None, ge=16)
    """Real tokens of one forward pass, about; left out, all of a step, or 512 where few weights learn."""

    weight_decay: float = Field(0.01, ge=0.0, le=1.0)
    """Decay of matrices: decoupled with adamw and schedule_free, else a part of the gradient."""

    max_grad_norm: float = Field(1.0, gt=0.0)
    """L2 bound of the whole gradient."""

    ema_decay: float | None = Field(None, gt=0.0, lt=1.0)
    """Share of the mean of the weights kept at each step; that mean is what is scored and kept. Left out, none is."""

    patience: int = Field(3, ge=1)
    """Scored points without gain after which training ends."""

    save_every_s: float = Field(60.0, gt=0.0)
    """Seconds between checkpoints, about; a killed run goes on from the last."""

    loss: str | None = None
    """Which loss; left out, that of the task."""

    loss_options: dict[str, Any] = Field(default_factory=dict)
    """Options of the loss."""

    optimiser: str = "adamw"
    """Which optimiser."""

    optimiser_options: dict[str, Any] = Field(default_factory=dict)
    """Options of the optimiser."""

    schedule: str | None = None
    """Which curve the learning rates follow; left out, that of the optimiser."""

    schedule_options: dict[str, Any] = Field(default_factory=dict)
    """Options of the schedule."""

    def micro_batch(self) -> MicroBatch:
        """Say how much of a step passes at once.

        Returns:
            What is asked for.
        """
        return MicroBatch(self.micro_batch_size, self.micro_batch_tokens)

    def passes(self, tokens_per_epoch: int) -> float:
        """Say how many passes are worth taking.

        Args:
            tokens_per_epoch: Tokens of the train rows.

        Returns:
            Those asked for, else more the fewer tokens there are.
        """
        by_tokens = self.TOKENS_WORTH_SEEING / max(tokens_per_epoch, 1)
        return self.epochs or min(self.MOST_EPOCHS, max(self.FEWEST_EPOCHS, by_tokens))

    def tokens_of_a_step(self, tokens_per_epoch: int) -> int:
        """Say how large a step is.

        Args:
            tokens_per_epoch: Tokens of the train rows.

        Returns:
            Tokens, as asked for, else fewer where a pass would have few steps.
        """
        return self.batch_tokens or (1024 if tokens_per_epoch >= _TOKENS_FOR_LARGE_STEPS else 512)
