"""``tunesmith.json``: what a bundle says of itself, checked before any library reads one of its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from tunesmith.config import Settings, problems_of
from tunesmith.errors import ArtifactError
from tunesmith.files.reading import read_json

FORMAT = 1
FACTS_FILE = "tunesmith.json"

Kind: TypeAlias = Literal["encoder", "bag_of_words"]
LabelType: TypeAlias = Literal["str", "int", "float", "bool"]
Names = Annotated[tuple[str, ...], Field(strict=False)]


class TextFacts(Settings):
    """How a text is prepared, at training and at prediction alike."""

    normalise: Literal["NFC"] = "NFC"
    """Unicode form."""

    control: Literal["space"] = "space"
    """What becomes of control characters."""

    strip: bool = True
    """Whether surrounding space goes."""


class TokenFacts(Settings):
    """How a text becomes tokens and one vector."""

    max_seq_length: int = Field(ge=3, le=1_000_000)
    """Tokens of one window, special ones included."""

    windows: Literal["averaged"] = "averaged"
    """What happens to longer texts: windows whose pooled vectors are averaged."""

    pooling: str = "mean"
    """How a window's tokens become one vector."""

    unit_length: bool = True
    """Whether that vector is scaled to length 1 before the head."""


class BaseFacts(Settings):
    """The pretrained encoder a model was made from."""

    name: str
    """Its name or folder name."""

    licence: str
    """Licence of its weights as its source states it."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of its weights file."""


class DataFacts(Settings):
    """The file a model was trained on."""

    source: str
    """Name of the file, without its folder."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest over texts and labels as read."""

    text: str
    """Column of the text."""

    label: str
    """Column of the label."""

    rows: int = Field(ge=0)
    """Rows used."""

    train: int = Field(ge=0)
    """Rows the weights were fitted on."""

    validation: int = Field(ge=0)
    """Rows held back to choose."""

    test: int = Field(ge=0)
    """Rows looked at once, at the end."""

    notes: Names = ()
    """What was decided about the file and what was found wrong with it, a sentence each."""


class Facts(Settings):
    """All of ``tunesmith.json``."""

    format: int = Field(ge=1)
    """Version of the bundle's layout."""

    kind: Kind
    """What sort of model; it says which files must be there."""

    task: str
    """What was learnt."""

    rung: str
    """The rung of the ladder that was kept."""

    labels: Names
    """Labels in the order of the outputs."""

    label_type: LabelType = "str"
    """Type the labels came in, for Python."""

    text: TextFacts = TextFacts()
    """Preparation of texts."""

    tokens: TokenFacts | None = None
    """Tokens and pooling; None for bag of words."""

    temperature: float = Field(gt=0.0, le=1000.0)
    """Divides the logits, so that probabilities mean what they say."""

    measured_on: str
    """Which rows the metrics come from, in words."""

    metrics: dict[str, Any]
    """METRICS of the machine output."""

    test_metrics: dict[str, Any] | None = None
    """The same on test rows, where there were any."""

    data: DataFacts
    """The training file."""

    base: BaseFacts | None = None
    """The pretrained encoder, where there was one."""

    versions: dict[str, str]
    """Versions of what trained it."""

    recipe: dict[str, Any]
    """The recipe as resolved."""


def read_facts(folder: Path) -> Facts:
    """Read and check ``tunesmith.json``.

    Args:
        folder: The bundle.

    Returns:
        What the bundle says of itself.

    Raises:
        ArtifactError: It is missing, damaged, of a newer format or not as the schema says.
    """
    path = folder / FACTS_FILE
    if not path.is_file():
        raise ArtifactError(
            "not-a-bundle",
            "this folder is not a tunesmith model",
            where=str(folder),
            found=f"no {FACTS_FILE}" if folder.is_dir() else "no such folder",
            advice="give the folder that 'tunesmith train' wrote",
        )
    values = read_json(path)
    number = values.get("format") if isinstance(values, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise ArtifactError(
            "newer-format",
            "this model was written by a newer tunesmith",
            where=str(path),
            found=f"format {number}",
            allowed=f"format {FORMAT} or older",
            advice="update with: pip install --upgrade tunesmith",
        )
    problems = problems_of(Facts, values) if isinstance(values, dict) else ["it is not a JSON object"]
    if problems:
        raise ArtifactError(
            "facts-damaged", "the bundle's description is not valid", where=str(path), found="; ".join(problems[:4])
        )
    return Facts.model_validate(values)
