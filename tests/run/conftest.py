"""What the tests of this folder share."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Syncs cost most of these tests' time on a busy disk; those about syncing put their own in place of this."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
