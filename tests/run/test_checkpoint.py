"""Checkpoints are whole or not there, and the newest sound one is found."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tunesmith.errors import ArtifactError, ResourceError
from tunesmith.run.checkpoint import Checkpoints


def tensors(number: int) -> dict[str, torch.Tensor]:
    """Distinct content for each save."""
    return {"weight": torch.full((3, 2), float(number)), "step": torch.tensor(number)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where checkpoints lie; not made yet."""
    return tmp_path / "checkpoints"


@pytest.fixture
def checkpoints(folder: Path) -> Checkpoints:
    """No checkpoint yet."""
    return Checkpoints(folder)


def names(folder: Path) -> list[str]:
    """What lies in a folder, hidden things too."""
    return sorted(path.name for path in folder.iterdir())


def test_what_is_saved_comes_back_to_the_bit(checkpoints: Checkpoints) -> None:
    """Every dtype in use, numpy or torch, and every value JSON has."""
    saved: dict[str, Any] = {
        "f32": torch.randn(5, 3, generator=torch.Generator().manual_seed(0)),
        "bf16": torch.randn(4).bfloat16(),
        "rng": torch.default_generator.get_state(),
        "scalar": torch.tensor(7.0),
        "empty": torch.empty(0, 4),
        "int": np.arange(6, dtype=np.int64).reshape(2, 3),
    }
    state = {"step": 12, "best": 0.1 + 0.2, "rows": [1, 2], "name": "größe", "none": None, "nested": {"a": [True]}}
    assert checkpoints.save("finetune", saved, state) == 1
    found = checkpoints.newest("finetune")
    assert found is not None
    assert (found.name, found.number, found.state) == ("finetune", 1, state)
    assert sorted(found.tensors) == sorted(saved)
    for name, tensor in saved.items():
        assert torch.equal(found.tensors[name], torch.as_tensor(tensor)), name
        assert found.tensors[name].dtype == torch.as_tensor(tensor).dtype
    assert checkpoints.notes == ()


def test_the_newest_two_of_each_name_are_kept(checkpoints: Checkpoints, folder: Path) -> None:
    """Older ones go; another name, even one that begins alike, is not touched; numbers go on."""
    checkpoints.save("probe", tensors(0), None)
    checkpoints.save("probe_2", tensors(0), None)
    assert [checkpoints.save("finetune", tensors(number), number) for number in range(12)] == list(range(1, 13))
    assert names(folder) == ["finetune-11", "finetune-12", "probe-1", "probe_2-1"]
    found = checkpoints.newest("finetune")
    assert found is not None
    assert found.state == 11
    assert Checkpoints(folder).save("finetune", tensors(12), 12) == 13


def test_there_may_be_none(checkpoints: Checkpoints) -> None:
    """Without a folder, without this name, and after its removal."""
    assert checkpoints.newest("finetune") is None
    checkpoints.remove("finetune")
    checkpoints.save("finetune", tensors(1), None)
    checkpoints.save("probe", tensors(1), None)
    assert checkpoints.newest("tune") is None
    checkpoints.remove("finetune")
    assert checkpoints.newest("finetune") is None
    assert checkpoints.newest("probe") is not None


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def tear(path: Path) -> None:
    """Lose the second half of a file."""
    os.truncate(path, path.stat().st_size // 2)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "flip": flip,
    "tear": tear,
    "empty": lambda path: os.truncate(path, 0),
    "lose": Path.unlink,
}


@pytest.mark.parametrize("file", ["tensors.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_passed_over_with_a_note(folder: Path, file: str, damage: str) -> None:
    """The one before it is found; the next save lets the damaged one go and keeps two sound ones."""
    checkpoints = Checkpoints(folder)
    for number in (1, 2):
        checkpoints.save("finetune", tensors(number), number)
    DAMAGES[damage](folder / "finetune-2" / file)
    found = checkpoints.newest("finetune")
    assert found is not None
    assert found.state == 1
    assert torch.equal(found.tensors["weight"], tensors(1)["weight"])
    assert checkpoints.newest("finetune") is not None
    assert len(checkpoints.notes) == 1
    assert "finetune-2 is damaged" in checkpoints.notes[0]
    assert checkpoints.save("finetune", tensors(3), 3) == 3
    assert names(folder) == ["finetune-1", "finetune-3"]


def test_when_all_are_damaged_there_is_none_and_it_is_said(checkpoints: Checkpoints, folder: Path) -> None:
    """The run begins anew and the user is told why."""
    for number in (1, 2):
        checkpoints.save("finetune", tensors(number), number)
        tear(folder / f"finetune-{number}" / "tensors.safetensors")
    assert checkpoints.newest("finetune") is None
    assert len(checkpoints.notes) == 2


def test_torn_anywhere_in_the_file_written_last(folder: Path) -> None:
    """Whatever part of the manifest reached the disk, the checkpoint before it is found."""
    checkpoints = Checkpoints(folder)
    for number in (1, 2):
        checkpoints.save("finetune", tensors(number), number)
    manifest = folder / "finetune-2" / "manifest.json"
    whole = manifest.read_bytes()
    for length in range(0, len(whole), 3):
        manifest.write_bytes(whole[:length])
        found = Checkpoints(folder).newest("finetune")
        assert found is not None
        assert found.state == 1
    manifest.write_bytes(whole)
    found = Checkpoints(folder).newest("finetune")
    assert found is not None
    assert found.state == 2


def test_what_a_killed_save_left_is_cleared_by_the_next(checkpoints: Checkpoints, folder: Path) -> None:
    """A hidden folder is never taken for a checkpoint and does not stay."""
    checkpoints.save("finetune", tensors(1), 1)
    shutil.copytree(folder / "finetune-1", folder / ".finetune-2.tmp")
    found = checkpoints.newest("finetune")
    assert found is not None
    assert found.number == 1
    checkpoints.save("finetune", tensors(2), 2)
    assert names(folder) == ["finetune-1", "finetune-2"]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_never_saved(checkpoints: Checkpoints, folder: Path, bad: float) -> None:
    """The checkpoint before stays the newest and nothing is left behind."""
    checkpoints.save("finetune", tensors(1), 1)
    with pytest.raises(ArtifactError, match="tensors-not-finite"):
        checkpoints.save("finetune", {"weight": torch.tensor([0.0, bad])}, 2)
    with pytest.raises(ArtifactError, match="json-unwritable"):
        checkpoints.save("finetune", tensors(2), {"loss": bad})
    assert names(folder) == ["finetune-1"]


def test_a_checkpoint_that_does_not_fit_is_refused_before_a_byte(
    checkpoints: Checkpoints, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``disk-full`` tells bytes needed and free; the checkpoints before stay."""
    checkpoints.save("finetune", tensors(1), 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2_000_000))
    with pytest.raises(ResourceError, match="no room for a checkpoint") as caught:
        checkpoints.save("finetune", {"weight": torch.zeros(250_000)}, None)
    assert (caught.value.code, caught.value.exit_code) == ("disk-full", 4)
    assert "2,048,581 bytes (2.0 MiB) needed" in f"{caught.value.found}"
    assert "2,000,000 bytes (1.9 MiB) free" in f"{caught.value.found}"
    assert names(folder) == ["finetune-1"]


@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir", "open"])
@pytest.mark.parametrize("code", [5, 28, 30])
def test_a_fault_at_any_call_leaves_the_checkpoints_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    """The k-th call of each kind fails, for every k: a clear error, the old state whole, no hidden folder left."""
    checkpoints = Checkpoints(folder)
    checkpoints.save("finetune", tensors(1), 1)
    real = getattr(os, call)
    for k in range(30):
        calls = iter(range(30))

        def faulty(*given: Any, k: int = k, calls: Iterator[int] = calls, **named: Any) -> Any:
            if next(calls) == k:
                raise OSError(code, os.strerror(code))
            return real(*given, **named)

        with monkeypatch.context() as patch, suppress(ResourceError, ArtifactError):
            patch.setattr(os, call, faulty)
            checkpoints.save("finetune", tensors(2), 2)
        if next(calls) <= k:
            break
        found = Checkpoints(folder).newest("finetune")
        assert found is not None
        assert found.state in (1, 2)
        assert [name for name in names(folder) if name.startswith(".")] == []
        Checkpoints(folder).remove("finetune")
        Checkpoints(folder).save("finetune", tensors(1), 1)
    assert 0 < k < 29, "the faults did not reach every call"


def test_everything_is_on_the_disk_before_it_has_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file and the hidden folder are synced, then comes the rename, then the sync of the folder around it."""
    Checkpoints(folder).save("finetune", tensors(1), 1)
    calls: list[str] = []
    rename = os.rename
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: calls.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    monkeypatch.setattr(os, "rename", lambda old, new: (calls.append(f"rename {new}"), rename(old, new)))
    Checkpoints(folder).save("finetune", tensors(2), 2)
    at = calls.index(f"rename {folder / 'finetune-2'}")
    hidden = folder / ".finetune-2.tmp"
    assert {f"{hidden}/tensors.safetensors", f"{hidden}/state.json", f"{hidden}"} <= set(calls[:at])
    assert calls[at + 1] == f"{folder}"
