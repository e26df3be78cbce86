"""``adalora``: LoRA whose ranks go, while it learns, to the maps that use them most.

Each product is ``B diag(E) A``. How much a row of A, its number in E and its column of B matter is told by their
gradients; from time to time those that matter least of all maps together get a 0 in E. How many are left at a step
follows the steps that are really planned, also where the clock shortens them.

Source: Zhang et al. 2023, algorithm 1 and equations 7 to 13; constants as in PEFT.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor

from tunesmith.models.encoder import Encoder
from tunesmith.models.low_rank import LowRank
from tunesmith.models.methods import Method
from tunesmith.models.methods._targets import ProductOptions, put_low_rank
from tunesmith.types import JSON

LEARNING_RATE = 2e-3
LAYER_DECAY = 0.9
LEAVES_BASE = True

_FIRST_SPREAD = 0.02


class Options(ProductOptions):
    """How large the products begin and end, and when they shrink."""

    rank: int = Field(6, ge=1, le=1024)
    """Width between the two factors at the start."""

    alpha: float = Field(12.0, gt=0.0)
    """The product counts alpha / rank times."""

    target_rank: int = Field(4, ge=1, le=1024, validate_default=True)
    """Mean width at the end, at most ``rank``; weights that are kept of an earlier step have what was left then."""

    begin: float = Field(0.1, ge=0.0, le=1.0)
    """Share of the steps before ranks begin to go."""

    settle: float = Field(0.3, ge=0.0, le=1.0, validate_default=True)
    """Share of the steps, the last, in which no rank moves any more; with ``begin`` less than 1."""

    every: int = Field(10, ge=1)
    """Steps between two looks at which ranks go."""

    smoothing: float = Field(0.85, gt=0.0, lt=1.0)
    """Decay of the mean of how much a number matters."""

    uncertainty_smoothing: float = Field(0.85, gt=0.0, lt=1.0)
    """Decay of the mean of how much that wavers."""

    orthogonality: float = Field(0.5, ge=0.0)
    """Weight of the penalty on factors whose vectors are not orthogonal."""

    @field_validator("target_rank")
    @classmethod
    def _shrinks(cls, target_rank: int, info: ValidationInfo) -> int:
        rank = info.data.get("rank", target_rank)
        if target_rank > rank:
            raise ValueError(f"at most rank, which is {rank}: ranks are only taken away")
        return target_rank

    @field_validator("settle")
    @classmethod
    def _leaves_steps(cls, settle: float, info: ValidationInfo) -> float:
        begin = info.data.get("begin", 0.0)
        if begin + settle >= 1.0:
            raise ValueError(f"less than {1.0 - begin:g}, since begin is {begin:g}: no step is left to take ranks at")
        return settle


class Triplets(NamedTuple):
    """One product: first factor ``[r, I]``, diagonal ``[r, 1]``, second factor ``[O, r]``."""

    A: Tensor
    E: Tensor
    B: Tensor


class RankAllocator:
    """Decides which ranks of all products are left.

    Args:
        products: All of an encoder.
        options: When and by what.
    """

    def __init__(self, products: Sequence[LowRank], options: Options) -> None:
        self._options = options
        self._triplets = [
            Triplets(product.A[key], product.E[key], product.B[key]) for product in products for key in product.A
        ]
        shapes = [tensor for triplet in self._triplets for tensor in triplet]
        self._sensitivity = [torch.zeros_like(tensor, requires_grad=False) for tensor in shapes]
        self._uncertainty = [torch.zeros_like(tensor, requires_grad=False) for tensor in shapes]
        self._step = 0
        self._steps = 0

    def penalty(self) -> Tensor:
        """Measure how far the factors are from orthogonal ones.

        Returns:
            The mean over all factors of the Frobenius norm of their Gram matrix less the unit matrix, weighted.
        """
        grams = [gram for A, _, B in self._triplets for gram in (A @ A.T, B.T @ B)]
        norms = [torch.linalg.matrix_norm(gram - torch.eye(len(gram), device=gram.device)) for gram in grams]
        return self._options.orthogonality * torch.stack(norms).mean()

    def observe(self) -> None:
        """Take up how much each number mattered in the step just taken: itself times its gradient."""
        if self._step + 1 >= self._steps - self._n_settling(self._steps) and self._steps:
            return
        first, second = self._options.smoothing, self._options.uncertainty_smoothing
        with torch.no_grad():
            for tensor, mean, wavering in zip(self._tensors(), self._sensitivity, self._uncertainty, strict=True):
                if tensor.grad is None:
                    raise AssertionError("a step was taken without a gradient")
                matters = (tensor * tensor.grad).abs()
                mean.mul_(first).add_(matters, alpha=1.0 - first)
                wavering.mul_(second).add_((matters - mean).abs(), alpha=1.0 - second)

    def allocate(self, step: int, steps: int) -> None:
        """Take ranks away where it is time.

        Args:
            step: Number of the step just taken.
            steps: Planned in all.
        """
        self._step, self._steps = step, steps
        n_left = self.n_left(step, steps)
        if n_left is not None and n_left < self.n_ranks:
            self._keep(n_left)

    @property
    def n_ranks(self) -> int:
        """Ranks of all products at the start."""
        return sum(len(triplet.E) for triplet in self._triplets)

    def n_left(self, step: int, steps: int) -> int | None:
        """Say how many ranks are left after a step.

        Args:
            step: Its number.
            steps: Planned in all.

        Returns:
            None where none are taken at this step.
        """
        options = self._options
        least = min(options.target_rank * len(self._triplets), self.n_ranks)
        begin, settle = int(options.begin * steps), self._n_settling(steps)
        if step <= begin:
            return None
        if step > steps - settle:
            return least
        if step % options.every:
            return None
        to_go = 1.0 - (step - begin) / (steps - settle - begin)
        return int((self.n_ranks - least) * to_go**3 + least)

    def tensors(self) -> dict[str, Tensor]:
        """Give all that the steps to come depend on.

        Returns:
            Means over the steps taken, and their number.
        """
        return {
            **{f"sensitivity.{number}": tensor for number, tensor in enumerate(self._sensitivity)},
            **{f"uncertainty.{number}": tensor for number, tensor in enumerate(self._uncertainty)},
            "steps": torch.tensor([self._step, self._steps]),
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from where an earlier life was.

        Args:
            tensors: As ``tensors`` gave them.
        """
        for number, (mean, wavering) in enumerate(zip(self._sensitivity, self._uncertainty, strict=True)):
            mean.copy_(tensors[f"sensitivity.{number}"])
            wavering.copy_(tensors[f"uncertainty.{number}"])
        self._step, self._steps = tensors["steps"].tolist()

    def _n_settling(self, steps: int) -> int:
        return int(self._options.settle * steps)

    def _tensors(self) -> Iterator[Tensor]:
        return (tensor for triplet in self._triplets for tensor in triplet)

    def _keep(self, n_left: int) -> None:
        """Put a 0 in E for all ranks but those that matter most."""
        scores = [mean * wavering for mean, wavering in zip(self._sensitivity, self._uncertainty, strict=True)]
        importance = [
            E.view(-1) + A.mean(dim=1) + B.mean(dim=0)
            for A, E, B in zip(scores[::3], scores[1::3], scores[2::3], strict=True)
        ]
        highest_gone = torch.kthvalue(torch.cat(importance), self.n_ranks - n_left).values
        with torch.no_grad():
            for (_, E, _), mine in zip(self._triplets, importance, strict=True):
                E.masked_fill_((mine <= highest_gone).unsqueeze(1), 0.0)


class AdaLora(Method):
    """Low-rank products whose ranks move.

    Args:
        options: How large, and when they shrink.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def install(self, encoder: Encoder, generator: torch.Generator) -> RankAllocator:
        """Put a product beside each linear map: the factors drawn, the numbers between them 0.

        Args:
            encoder: A copy.
            generator: Of the factors.

        Returns:
            What moves the ranks.

        Raises:
            ConfigError: ``method-unfit``, queries and values are no maps of their own.
        """
        options = self._options
        products = put_low_rank(encoder, "adalora", options, kind=LowRank, has_values=True)
        with torch.no_grad():
            for product in products:
                for factor in (*product.A.values(), *product.B.values()):
                    factor.copy_(torch.empty(factor.shape).normal_(0.0, _FIRST_SPREAD, generator=generator))
        return RankAllocator(products, options)

    def peft_settings(self) -> Mapping[str, JSON]:
        """Say what PEFT calls the method, and how ranks went.

        Returns:
            Its type and schedule, in a hundred steps: PEFT counts steps and asks for their number even to load.
        """
        options = self._options
        return {
            "peft_type": "ADALORA",
            "init_r": options.rank,
            "target_r": options.target_rank,
            "total_step": 100,
            "tinit": int(100 * options.begin),
            "tfinal": int(100 * options.settle),
            "deltaT": options.every,
            "beta1": options.smoothing,
            "beta2": options.uncertainty_smoothing,
            "orth_reg_weight": options.orthogonality,
        }


def build(options: Options) -> AdaLora:
    """Build the method.

    Args:
        options: How large the products begin and end, and when they shrink.

    Returns:
        The method.
    """
    return AdaLora(options)
