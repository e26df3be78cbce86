"""MLflow, in a database file: it keeps its folders of files going no longer, and a server is never asked."""

from __future__ import annotations

import logging
import shlex
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tunesmith.track import Place
from tunesmith.track._environment import environment

PACKAGE = "mlflow"
"""What it is installed by."""

_FIGURES_AT_ONCE = 500
_LONGEST_WAIT_S = 10.0  # what a killed run may lose
_PARAMETERS_AT_ONCE = 100  # MLflow's own limit
_LONGEST_VALUE = 500


class MLflow:
    """Figures in batches, the recipe as parameters.

    Args:
        place: Where, and under which names.
    """

    def __init__(self, place: Place) -> None:
        place.folder.mkdir(parents=True, exist_ok=True)
        folder = place.folder.resolve()
        address = f"sqlite:///{folder / 'mlflow.db'}"
        with _quiet():
            from mlflow import MlflowClient
            from mlflow.entities import Metric, Param

            self._metric, self._parameter = Metric, Param
            self._client: Any = MlflowClient(tracking_uri=address, registry_uri=address)
            known = self._client.get_experiment_by_name(place.project)
            experiment = (
                self._client.create_experiment(place.project, artifact_location=(folder / "artifacts").as_uri())
                if known is None
                else known.experiment_id
            )
            self._run: str = self._client.create_run(experiment, run_name=place.name).info.run_id
        self._waiting: list[Any] = []
        self._written = time.time()
        self.look = f"mlflow ui --backend-store-uri {shlex.quote(address)}"

    def parameters(self, values: Mapping[str, str]) -> None:
        """Write the recipe as parameters: see ``Tracker``."""
        given = [self._parameter(name, value[:_LONGEST_VALUE]) for name, value in values.items()]
        for first in range(0, len(given), _PARAMETERS_AT_ONCE):
            self._client.log_batch(self._run, params=given[first : first + _PARAMETERS_AT_ONCE])

    def figures(self, values: Mapping[str, float], step: int) -> None:
        """Hold figures back until there are many, or for some seconds: see ``Tracker``."""
        now = time.time()
        self._waiting += [self._metric(name, value, int(1000 * now), step) for name, value in values.items()]
        if len(self._waiting) >= _FIGURES_AT_ONCE or now - self._written > _LONGEST_WAIT_S:
            self._write()
            self._written = now

    def close(self, *, complete: bool) -> None:
        """Write what waits and end the run: see ``Tracker``."""
        self._write()
        self._client.set_terminated(self._run, status="FINISHED" if complete else "KILLED")

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        for first in range(0, len(waiting), _FIGURES_AT_ONCE):
            self._client.log_batch(self._run, metrics=waiting[first : first + _FIGURES_AT_ONCE])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow from reporting its use, from telling of its tables, and from warning of what is its own affair."""
    before = logging.root.manager.disable
    with environment(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)  # by name it could not be done: importing MLflow sets its levels anew
        try:
            yield
        finally:
            logging.disable(before)


def build(place: Place) -> MLflow:
    """Begin a run in the database of the folder.

    Args:
        place: Where, and under which names.

    Returns:
        The tracker.
    """
    return MLflow(place)
