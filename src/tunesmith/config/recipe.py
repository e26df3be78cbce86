"""The skeleton of the recipe: its common sections; members' options are checked by ``ladder.resolve``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from tunesmith.config.settings import Settings, problems_of, refusal
from tunesmith.errors import ConfigError, quote

ALL_RUNGS = "all"
"""Stands in ``ladder.rungs`` for every rung of the task."""


def _listed(value: Any) -> Any:
    """Take a lone name for a list of one."""
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(_listed)]
"""Several names; one alone needs no brackets. A comma may be part of a name."""


class DataSection(Settings):
    """Where the labelled texts are."""

    text: Names = ()
    """Column that holds the text; found by itself when left out."""

    pair: str | None = None
    """Column of the second text, where rows are pairs; found where its name is a usual one, such as text_b."""

    label: str | None = None
    """Column that holds the label; found by itself when left out."""

    group: str | None = None
    """Column whose equal cells, such as a customer, keep rows together when rows are held out."""

    time: str | None = None
    """Column that says when a row was made; the latest rows are held out, so that figures are of the future."""

    encoding: str | None = None
    """Encoding of the file when it is neither UTF-8 nor UTF-16 with a byte order mark."""

    validation: str | None = None
    """File whose rows choose between models; left out, a column named split tells, else rows are held back."""

    test: str | None = None
    """File looked at once, at the end, to measure the kept model."""

    test_share: float = Field(0.0, ge=0.0, le=0.5)
    """Share of the rows of the training file put aside as test rows."""

    unlabelled: str | None = None
    """File of further texts without labels, from which the rung selftrain learns."""

    sql: str | None = None
    """Query whose rows are read instead of a file's."""

    db: SecretStr | None = None
    """Database to ask, such as sqlite:///tickets.db; it may hold a password, so it is never written down."""

    imbalance: Literal["auto", "none", "weights", "focal", "resample"] = "auto"
    """How rare labels are treated: rows weighed by how rare their label is, hard rows counted more by the loss, or
    rows of rare labels drawn more often; auto weighs them where labels are very uneven."""

    normalise: Literal["NFC", "NFKC"] = "NFC"
    """Normal form of the texts; NFKC also makes full-width letters, ligatures and the like plain ones."""

    skip_bad_rows: bool = False
    """Leave out rows that cannot be read, of another width or no JSON, instead of refusing the file."""

    drop_unlabelled: bool = False
    """Leave out rows without a label instead of refusing the file."""


class BaseSection(Settings):
    """The pretrained encoder."""

    name: str = "all-MiniLM-L6-v2"
    """A folder in Hugging Face layout, or the name of a model."""

    pairs: Literal["apart", "joined"] = "apart"
    """How both texts of a pair are read: each by itself, or joined in one sequence with the tokenizer's own marks."""


class LadderSection(Settings):
    """How far to climb."""

    rungs: Names = ("linear", "probe", "finetune", "refine")
    """Rungs to try, cheapest first; all stands for every rung. Left out, few rows have others, and it is said which."""

    budget: str = "10m"
    """Wall clock from process start to exit: 90s, 10m, 1h30m or none."""

    min_gain: float = Field(0.2, ge=0.0, le=100.0)
    """Points of the objective that a further rung must still be able to bring."""

    metric: str | None = None
    """Figure that decides which rung is kept, such as macro_f1; left out, the task's first."""

    @property
    def climbs_all(self) -> bool:
        """Whether every rung of the task is asked for."""
        return ALL_RUNGS in self.rungs


class RunSection(Settings):
    """How the run behaves on this machine."""

    task: str | None = None
    """What is learnt, such as single_label or score; left out, told by the cells of the label column."""

    out: str | None = None
    """Model folder to write; left out, the data file's stem with .model."""

    seed: int = Field(0, ge=0, lt=2**31)
    """Start of every random choice."""

    threads: int | None = Field(None, ge=1, le=1024)
    """Threads to compute with; left out, measured at the start."""

    device: str = "auto"
    """auto, cpu, cuda or mps; cuda and mps are untested."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """What a training step multiplies, weights staying float32; left out, bf16 on a card that has it, and on a CPU that
    was measured to be faster by it."""

    offline: bool = False
    """Never use the network."""


class TrackSection(Settings):
    """Where else the run is recorded; nowhere unless named, and nothing leaves the machine."""

    to: Names = ()
    """Trackers: tensorboard, wandb (offline), mlflow (a database file)."""

    folder: str | None = None
    """Folder for what they write; left out, track beside the log of the run."""

    project: str = Field("tunesmith", min_length=1)
    """Name under which wandb and mlflow list the run."""


class Recipe(Settings):
    """All that decides a run; ``[task.NAME]``, ``[rung.NAME]`` and ``[technique.NAME]`` hold options of members."""

    data: DataSection = DataSection()
    base: BaseSection = BaseSection()
    ladder: LadderSection = LadderSection()
    run: RunSection = RunSection()
    track: TrackSection = TrackSection()
    task: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options of each task by its name."""

    rung: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options of each rung by its name."""

    technique: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options of each technique of compression by its name."""


def load_recipe(
    file: str | None,
    sets: Sequence[str],
    flags: Mapping[str, Any],
    *,
    member_problems: Callable[[Mapping[str, Any]], list[str]] | None = None,
) -> Recipe:
    """Put a recipe together: flag over ``--set`` over file over default.

    Args:
        file: Path of a TOML file, or None.
        sets: ``"a.b=c"`` each; the value is TOML, or a bare word taken as text.
        flags: Dotted keys to values; None means the flag was not given.
        member_problems: Says what is wrong with the sections ``task`` and ``rung``, so that all problems are told at
            once; asked only where there are others.

    Returns:
        The recipe, its common sections checked.

    Raises:
        ConfigError: The file cannot be read, or some keys or values are wrong (all are listed).

    Example:
        >>> load_recipe(None, ["ladder.rungs=['probe']"], {"ladder.budget": "5m"}).ladder.rungs
        ('probe',)
    """
    values = _read_toml(file) if file else {}
    for item in sets:
        key, separator, text = item.partition("=")
        if not separator or not key.strip():
            raise ConfigError(
                "bad-set", f"--set {quote(item)} is not of the form a.b=c", advice="--set ladder.budget=5m"
            )
        _put(values, key.strip(), _toml_value(text.strip()))
    for key, value in flags.items():
        if value is not None:
            _put(values, key, value)
    problems = problems_of(Recipe, values)
    if problems:
        if member_problems is not None:
            problems += member_problems(values)
        raise refusal(problems)
    return Recipe.model_validate(values)


def _read_toml(file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError("recipe-missing", f"cannot read the recipe: {error.strerror}", where=file) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("recipe-damaged", f"the recipe is not valid TOML: {error}", where=file) from error


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(values: dict[str, Any], dotted: str, value: Any) -> None:
    *sections, last = dotted.split(".")
    here = values
    for section in sections:
        here = here.setdefault(section, {})
        if not isinstance(here, dict):
            raise ConfigError("bad-set", f"{dotted}: {section} is a value, not a section")
    here[last] = value
