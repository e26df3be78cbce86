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
from tunesmith.errors import plural
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.site import Ground, Site
from tunesmith.models.bag_of_words import BagOfWords, fit_bag_of_words
from tunesmith.types import JSON

_SECONDS_PER_CHARACTER = 4e-6
_TYPICAL_SHARE = 0.3
"""Of what is foreseen pessimistically."""
_SHARE_OF_BUDGET = 0.15
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

    def whole(self, ground: Ground) -> float:
        """Foresee the seconds of this rung where nothing cuts it short: see ``Rung``."""
        return _TYPICAL_SHARE * self.forecast(ground)

    def climb(self, site: Site) -> Landing:
        """Fit on the train rows, score the validation rows.

        Args:
            site: The climb.

        Returns:
            The landing.
        """
        started = time.monotonic()
        data = site.data
        rows = self._affordable(site)
        model = self._fit(site, rows)
        fit_s = (time.monotonic() - started) * len(data.split.train) / len(rows)
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
            loss=site.task.held_out_loss(logits, targets),
            measured_on="validation rows",
            seconds=time.monotonic() - started,
            tflop=0.0,
            refit_s=_REFIT_FITS * fit_s,
            facts={"rows": len(rows)},
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
        fold_of = folds(data.strata[rows].tolist(), data.groups[rows], n_folds=_N_FOLDS, seed=site.seed)
        logits = np.empty((len(rows), site.n_outputs), dtype=np.float32)
        seen = np.empty(len(rows), dtype=np.bool_)
        for fold in range(_N_FOLDS):
            site.heed_stop("while linear was scored out of fold")
            site.narrator.progress("linear, out of fold", fold / _N_FOLDS)
            held = fold_of == fold
            logits[held] = self._fit(site, rows[~held]).logits([data.texts[row] for row in rows[held]])
            seen[held] = np.isin(data.strata[rows[held]], data.strata[rows[~held]])
        site.narrator.progress("linear, out of fold", 1.0)
        return replace(
            landing,
            model=self._fit(site, rows),
            logits=logits,
            targets=data.targets[rows],
            seen=seen,
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
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        return BagOfWords.from_state(arrays, state, pairs=site.data.are_pairs)

    def _affordable(self, site: Site) -> NDArray[np.int64]:
        """Choose the train rows that its share of the budget suffices for; each kind keeps one, whatever it costs."""
        train, strata = site.data.split.train, site.data.strata

        def forecast() -> JSON:
            share = _SHARE_OF_BUDGET * max(site.clock.left(), 0.0) / self.forecast(site)
            return len(train) if share >= 1.0 else int(share * len(train))

        n_rows = int(site.plan.decide(f"{self.name}.rows", forecast))
        if n_rows >= len(train):
            return train
        drawn = np.random.Generator(np.random.PCG64(site.seed)).permutation(train)
        one_of_each = np.sort(np.unique(strata[drawn], return_index=True)[1])
        others = np.delete(drawn, one_of_each)[: max(0, n_rows - len(one_of_each))]
        chosen = np.sort(np.concatenate([drawn[one_of_each], others]))
        fit = plural(len(chosen), "fits", "fit")
        site.narrator.say(f"{self.name}: {len(chosen)} of {len(train)} rows {fit} its share of the budget")
        return chosen

    def _fit(self, site: Site, rows: NDArray[np.int64]) -> BagOfWords:
        return fit_bag_of_words([site.data.texts[row] for row in rows], site.wanted(rows))


def build(options: Options) -> Linear:
    """Build the rung.

    Args:
        options: None to set.

    Returns:
        The rung.
    """
    del options
    return Linear()
