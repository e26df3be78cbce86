"""Fitted estimators among joblib's workers: they go there by the place of their folder, and no model is pickled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing import parent_process
from typing import Any

from tunesmith.api.model import Model, open_bundle
from tunesmith.errors import ArtifactError

_PROTOCOL = 5


def send_by_folder(kind: type) -> None:
    """Let fitted estimators go to the workers of ``n_jobs``, which open the model folder themselves.

    Without a word scikit-learn sends the estimator it was given along with the clones to be fitted, in the scorer. Of
    other pickles a fitted one stays out, and so it does of the way back: its folder ends with the worker.

    Args:
        kind: Class of estimators with ``model_``, which pickle themselves while they are not fitted.
    """
    with suppress(ImportError):  # joblib without loky of its own, as some distributions have it: all are refused there
        from joblib.externals.loky.backend.reduction import register

        register(kind, _reduced)


def _reduced(estimator: Any) -> Any:
    """Name the folder in place of the model."""
    if not hasattr(estimator, "model_") or parent_process() is not None:
        return estimator.__reduce_ex__(_PROTOCOL)
    bundle = estimator.model_.bundle
    state = {name: value for name, value in vars(estimator).items() if name != "model_"}
    return _opened, (type(estimator), state, (str(bundle.folder.resolve()), bundle.manifest_sha256))


def _opened(kind: type, state: Mapping[str, Any], place: tuple[str, str]) -> Any:
    """Make the estimator again, with the model that its folder holds."""
    estimator = kind()
    vars(estimator).update(state)
    folder, manifest_sha256 = place
    with suppress(ArtifactError):  # in a scorer nobody asks it; whoever does is told that it is not fitted
        bundle = replace(open_bundle(folder), manifest_sha256=manifest_sha256)
        bundle.refuse_replaced()
        estimator.model_ = Model(bundle)
    return estimator
