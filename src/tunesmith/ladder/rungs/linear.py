"""``linear``: counts of words and characters under a linear model; seconds, and often hard to beat."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.config import Settings
from tunesmith.data.split import folds
from tunesmith.ladder.landing import Landing, calibrated_log_loss
from tunesmith.ladder.site import Ground, Site
from tunesmith.models.bag_of_words import BagOfWords, fit_bag_of_words
from tunesmith.types import JSON

_SECONDS_PER_CHARACTER = 4e-6
_N_FOLDS = 5
_REFIT_FITS = 1.2 * (_N_FOLDS + 1)
"""Fits out of fold and on all rows, in fits on the train rows, scoring included."""


class Options(Settings):
    """Word counts have no options yet."""


NEEDS: tuple[str, ...] = ()
"""Rungs whose landing it starts from."""

USES_BASE = False
"""Whether it needs the pretrained encoder."""


class Linear:
    """Word and character counts, one linear layer."""

    name = "linear"

    def forecast(self, ground: Ground) -> float:
        """Foresee seconds from the number of characters.

        Args:
            ground: Rows, base model and rate.

        Returns:
            Seconds, pessimistic.
        """
        return 1.0 + _SECONDS_PER_CHARACTER * sum(map(len, ground.data.texts))

    def climb(self, site: Site) -> Landing:
        """Fit on the train rows, score the validation rows.

        Args:
            site: The climb.

        Returns:
            The landing.
        """
        started = time.monotonic()
        data = site.data
        model = self._fit(site, data.split.train)
        fit_s = time.monotonic() - started
        site.narrator.progress("linear", 1.0)
        logits = model.logits([data.texts[row] for row in data.split.validation])
        targets = data.targets[data.split.validation]
        return Landing(
            rung=self.name,
            kind="bag_of_words",
            model=model,
            logits=logits,
            targets=targets,
            objective=site.task.objective(site.objective, logits, targets),
            log_loss=calibrated_log_loss(logits, targets),
            measured_on="validation rows",
            seconds=time.monotonic() - started,
            tflop=0.0,
            refit_s=_REFIT_FITS * fit_s,
        )

    def finish(self, site: Site, landing: Landing) -> Landing:
        """Score every row by a model that has not seen it, then fit on all.

        Args:
            site: The climb.
            landing: As it landed.

        Returns:
            The landing with out-of-fold figures and the final model.
        """
        data = site.data
        rows = data.rows_to_choose()
        labels = [data.labels[target] for target in data.targets[rows]]
        fold_of = folds(labels, data.groups[rows], n_folds=_N_FOLDS, seed=site.seed)
        logits = np.empty((len(rows), len(data.labels)), dtype=np.float32)
        for fold in range(_N_FOLDS):
            site.heed_stop("while linear was scored out of fold")
            site.narrator.progress("linear, out of fold", fold / _N_FOLDS)
            held = fold_of == fold
            logits[held] = self._fit(site, rows[~held]).logits([data.texts[row] for row in rows[held]])
        site.narrator.progress("linear, out of fold", 1.0)
        return replace(
            landing,
            model=self._fit(site, rows),
            logits=logits,
            targets=data.targets[rows],
            measured_on=f"{len(rows)} train and validation rows, each by a model that had not seen it",
        )

    def pack(self, landing: Landing) -> tuple[Mapping[str, NDArray[np.generic]], JSON]:
        """Keep vectorisers and weights.

        Args:
            landing: As it landed.

        Returns:
            Tensors and JSON.
        """
        return landing.model.state()  # type: ignore[no-any-return]

    def unpack(self, site: Site, tensors: Mapping[str, Tensor], state: JSON) -> BagOfWords:
        """Build the model back.

        Args:
            site: The climb.
            tensors: As packed.
            state: As packed.

        Returns:
            The model.
        """
        del site
        return BagOfWords.from_state({name: tensor.numpy() for name, tensor in tensors.items()}, state)

    def _fit(self, site: Site, rows: NDArray[np.int64]) -> BagOfWords:
        data = site.data
        texts = [data.texts[row] for row in rows]
        return fit_bag_of_words(texts, data.targets[rows], len(data.labels), seed=site.seed)


def build(options: Options) -> Linear:
    """Build the rung.

    Args:
        options: None to set.

    Returns:
        The rung.
    """
    del options
    return Linear()
