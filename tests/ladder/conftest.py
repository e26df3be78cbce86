"""What the tests of the ladder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.ladder.tiny_climb import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A base, a file, and room for runs; one thread, so that the same comes out on every machine of a kind."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Home(tmp_path, monkeypatch)
    torch.set_num_threads(n_threads)
