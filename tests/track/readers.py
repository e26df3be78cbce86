"""Reading what trackers wrote, each with its own package."""

from __future__ import annotations

import importlib.util
import json
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tunesmith.track import TRACKERS


@dataclass
class Recorded:
    """One run as its tracker shows it."""

    name: str
    parameters: dict[str, str] = field(default_factory=dict)
    figures: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    """Name to step and value of each entry."""
    complete: bool | None = None
    """Whether it says that it came to its end; None where it never says."""


def needs(name: str) -> None:
    """Skip where a tracker's package is not installed."""
    package = TRACKERS.member(name).PACKAGE
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install 'tunesmith[track]'")


def tensorboard_runs(folder: Path, project: str) -> list[Recorded]:
    """By the accumulator that TensorBoard's page is made from; it lists no projects."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    del project
    runs = []
    for place in sorted(folder.iterdir()):
        events = EventAccumulator(str(place))
        events.Reload()
        (text,) = (events.Tensors(name)[0].tensor_proto.string_val[0].decode() for name in events.Tags()["tensors"])
        lines = [line.strip().partition(" = ") for line in text.splitlines()]
        figures = {name: [(e.step, e.value) for e in events.Scalars(name)] for name in events.Tags()["scalars"]}
        runs.append(Recorded(place.name, {name: value for name, _, value in lines}, figures))
    return runs


def wandb_runs(folder: Path, project: str) -> list[Recorded]:
    """By the messages of its package; the file itself is LevelDB's log, which the package reads only in Go."""
    files = sorted(folder.glob("wandb/offline-run-*/run-*.wandb"), key=lambda path: path.stat().st_mtime_ns)
    return [_wandb_run(file, project) for file in files]


def _wandb_run(file: Path, project: str) -> Recorded:
    from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]

    records = [Record.FromString(data) for data in _wandb_records(file.read_bytes())]
    begun = [record.run for record in records if record.HasField("run")]
    assert {run.project for run in begun} == {project}
    found = Recorded(begun[0].display_name, complete=False)
    for config in (*(run.config for run in begun), *(record.config for record in records if record.HasField("config"))):
        found.parameters |= {item.key: json.loads(item.value_json) for item in config.update if item.key != "_wandb"}
    for record in (record for record in records if record.HasField("history")):
        row = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
        (step,) = (value for name, value in row.items() if name.endswith("/step"))
        for name in (name for name in row if not (name.startswith("_") or name.endswith("/step"))):
            found.figures.setdefault(name, []).append((step, row[name]))
    found.complete = any(record.HasField("exit") and record.exit.exit_code == 0 for record in records)
    return found


def _wandb_records(data: bytes) -> Iterator[bytes]:
    """Put records together from the blocks of 32 KiB that they are cut at."""
    assert data[:4] == b":W&B"
    place, parts = 7, b""
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        parts += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


def mlflow_runs(folder: Path, project: str) -> list[Recorded]:
    """By its client."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
        experiment = client.get_experiment_by_name(project)
        assert experiment is not None
        runs = []
        for run in client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"]):
            figures = {
                name: [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, name)]
                for name in run.data.metrics
            }
            ended = run.info.status == "FINISHED"
            runs.append(Recorded(run.info.run_name, dict(run.data.params), figures, ended))
    return runs


READERS: Mapping[str, Callable[[Path, str], list[Recorded]]] = {
    "tensorboard": tensorboard_runs,
    "wandb": wandb_runs,
    "mlflow": mlflow_runs,
}
