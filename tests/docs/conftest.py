"""What the tests of the pages share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.shop import write_shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files, a model and a base model, to be copied and never written to."""
    return write_shop(tmp_path_factory.mktemp("shop"))
