"""What the tests of the pages share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.small_world import write_base
from tests.docs.shop import write_shop

from tunesmith.data.read import read_table
from tunesmith.sample import sample_file


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files, a model and a base model, to be copied and never written to."""
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model in place of the default one; it knows the words of the sample, so a message is one window."""
    texts = read_table(sample_file()).columns["text"]
    return write_base(tmp_path_factory.mktemp("bases") / "tiny", more=texts)
