"""What is kept of a trained landing, so that a killed run need not climb again: what was learnt, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.ladder.fitting import FitOptions, fresh_model
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.site import Site
from tunesmith.types import JSON


class KeepsTrained:
    """A rung that trains a model and keeps the weights that learnt; all others are there before it is trained."""

    def fresh(self, site: Site) -> EncoderModel:
        """Build the model as it was before it was trained.

        Args:
            site: The climb.

        Returns:
            The model; whatever a fit changes takes a gradient.
        """
        raise NotImplementedError

    def finish(self, site: Site, landing: Landing) -> Landing:
        """Leave the landing as it is: its held-out rows stay held out.

        Args:
            site: The climb.
            landing: As it landed.

        Returns:
            The same landing.
        """
        del site
        return landing

    def pack(self, landing: Landing) -> tuple[Mapping[str, Tensor], JSON]:
        """Take out what a fit has trained, the head among it.

        Args:
            landing: As it landed.

        Returns:
            Tensors and JSON.
        """
        named = landing.model.classifier.named_parameters()
        return {name: parameter.detach() for name, parameter in named if parameter.requires_grad}, {}

    def unpack(self, site: Site, tensors: Mapping[str, Tensor], state: JSON) -> EncoderModel:
        """Build the model back.

        Args:
            site: The climb.
            tensors: As packed.
            state: As packed.

        Returns:
            The model.
        """
        del state
        model = self.fresh(site)
        with torch.no_grad():
            for name, parameter in model.classifier.named_parameters():
                if parameter.requires_grad:
                    parameter.copy_(tensors[name])
        model.classifier.eval()
        return model


class KeepsEncoder(KeepsTrained):
    """A rung that trains the base's encoder.

    Args:
        fit_options: How the encoder is trained.
    """

    def __init__(self, fit_options: FitOptions) -> None:
        self._fit_options = fit_options

    def fresh(self, site: Site) -> EncoderModel:
        """Take the base's encoder, with what a method puts beside it.

        Args:
            site: The climb.

        Returns:
            The model; frozen weights are the base's.
        """
        model, _ = fresh_model(site, self._fit_options)
        return model
