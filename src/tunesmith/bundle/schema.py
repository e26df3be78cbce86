"""``tunesmith.json``: what a bundle says of itself, checked before any library reads one of its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from tunesmith.config import Settings, problems_of
from tunesmith.data.joined import JOINED
from tunesmith.data.prepare import Form
from tunesmith.errors import ArtifactError, quote
from tunesmith.files.reading import read_json
from tunesmith.models.methods import METHODS
from tunesmith.models.pairings import PAIRINGS
from tunesmith.models.poolings import POOLINGS
from tunesmith.tasks import TASKS, Calibration, Coding, Task, load_task

FORMAT = 3
FACTS_FILE = "tunesmith.json"
STAGE_KINDS = ("static", "runtime", "encoder")
"""Kinds of the models of a cascade."""
_MOST_STAGES = 4

Kind: TypeAlias = Literal["encoder", "adapter", "network", "bag_of_words", "runtime", "static", "cascade"]
LabelType: TypeAlias = Literal["str", "int", "float", "bool"]
Names = Annotated[tuple[str, ...], Field(strict=False)]

_READS: Mapping[LabelType, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": {"true": True, "false": False}.__getitem__,
}
_PER_CLASS, _CONFUSION = "per_class", "confusion"
_OF_A_FIGURE = {"value", "low", "high"}
_OF_A_LABEL = {"precision", "recall", "f1", "rows", "answered"}
_LONGEST_PROBLEM = 160
_READ_OF_RECIPE = {"data": ("validation", "test", "unlabelled"), "ladder": ("metric",)}
"""What the card and the commands read of a recipe; of the rest, another version may have other settings."""


class TextFacts(Settings):
    """How a text is prepared, at training and at prediction alike."""

    normalise: Form = "NFC"
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

    pairing: str | None = None
    """How the vectors of both texts of a pair become its features, or ``joined`` where they are read in one sequence;
    None where a row is one text."""


class ScaleFacts(Settings):
    """What the output of a model that answers numbers stands for."""

    mean: float = Field(allow_inf_nan=False)
    """An output of 0."""

    spread: float = Field(gt=0.0, allow_inf_nan=False)
    """How much more an output of 1 is."""


class BaseFacts(Settings):
    """The pretrained encoder a model was made from."""

    name: str
    """Its name or folder name."""

    licence: str
    """Licence of its weights as its source states it."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of its weights file."""


class MethodFacts(Settings):
    """How an encoder was trained whose base stays as it is."""

    name: str
    """The method."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Its options."""


class RuntimeFacts(Settings):
    """What runs a model that was made for running alone."""

    name: Literal["flat", "onnxruntime", "openvino"]
    """The runtime: ``flat`` is our own engine."""

    precision: Literal["int8", "float32"]
    """What its products are made of; the weights are of 8 bits either way."""


class StageFacts(Settings):
    """One model of a cascade."""

    kind: Kind
    """What sort of model."""

    tokens: TokenFacts
    """How it reads texts."""

    runtime: RuntimeFacts | None = None
    """What runs it, where it was made for running alone."""

    temperature: float = Field(gt=0.0, le=1000.0)
    """Divides its logits, so that all stages are equally sure."""

    least_margin: float | None = Field(None, ge=0.0, le=2.0)
    """Margin from which on its answer stands, 0..1, or above where none does; None of the last: all its answers do."""


class CompressionFacts(Settings):
    """How a model was made smaller, and what that lost on rows that were held out."""

    to: str
    """The technique."""

    earlier: Names = ()
    """Techniques that its parent had come from, first to last."""

    parent: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of the manifest of the model that it was made from."""

    source: str
    """Name of the file whose rows it was held to that model on, without its folder."""

    rows: int = Field(ge=1)
    """Rows held out."""

    max_loss: float = Field(ge=0.0)
    """Points that it was allowed to lose."""

    figures: dict[str, Any]
    """The gate's figures, as ``compress --json`` prints them."""


class TokenCounts(Settings):
    """What the texts are for the encoder's tokenizer."""

    total: int = Field(ge=0)
    """Tokens of all texts, special ones included."""

    longest: int = Field(ge=0)
    """Tokens of the longest text, or pair."""

    windowed: int = Field(ge=0)
    """Rows with a text that is read in windows, since the encoder does not take it at once."""

    trained_on: float = Field(ge=0.0, le=1.0)
    """Share of the tokens of train rows that fine-tuning reads; scores and answers read all."""


class DataFacts(Settings):
    """The file a model was trained on."""

    source: str
    """Name of the file, without its folder."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest over texts and labels as read."""

    text: str
    """Column of the text."""

    pair: str | None = None
    """Column of the second text, where rows are pairs."""

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

    unlabelled: int = Field(0, ge=0)
    """Further texts without labels that could be learnt from; none of them is among the rows."""

    tokens: TokenCounts | None = None
    """What the texts are for the encoder; None where no rung used one."""

    labels: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Rows used that have each label; empty where answers are numbers."""

    numbers: Annotated[tuple[float, ...], Field(strict=False, min_length=5, max_length=5)] | None = None
    """Lowest, quartiles and highest of the numbers of the rows used; None where answers are labels."""

    scripts: dict[str, Annotated[float, Field(ge=0.0, le=1.0)]] = Field(default_factory=dict)
    """Share of the letters in each script, the commonest first, by a sample of the rows."""

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

    task_options: dict[str, Any] = Field(default_factory=dict)
    """Options of the task."""

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

    scale: ScaleFacts | None = None
    """What outputs stand for where answers are numbers."""

    temperature: float = Field(gt=0.0, le=1000.0)
    """Divides the logits, so that probabilities mean what they say."""

    thresholds: Annotated[tuple[float, ...], Field(strict=False)] | None = None
    """Probability from which on each label is answered; None where the most probable one is."""

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

    method: MethodFacts | None = None
    """How it was trained, where the bundle holds what was learnt alone and its base model lies beside it."""

    runtime: RuntimeFacts | None = None
    """What runs it, where it was made for running alone."""

    cascade: Annotated[tuple[StageFacts, ...], Field(strict=False)] | None = None
    """Its models, the fastest first, where each text is passed on until one is sure."""

    compression: CompressionFacts | None = None
    """How it was made smaller; None where it is as training left it."""

    versions: dict[str, str]
    """Versions of what trained it."""

    recipe: dict[str, Any]
    """The recipe as resolved."""

    @property
    def coding(self) -> Coding:
        """How answers are coded as numbers."""
        scale = {} if self.scale is None else {"mean": self.scale.mean, "spread": self.scale.spread}
        return Coding(labels=self.labels, **scale)

    @property
    def calibration(self) -> Calibration:
        """How outputs become answers."""
        return Calibration(temperature=self.temperature, thresholds=self.thresholds)

    @property
    def n_outputs(self) -> int:
        """Outputs of the model."""
        return self.learnt.n_outputs(self.coding)

    @property
    def reads_pairs(self) -> bool:
        """Whether the model answers pairs of texts."""
        return self.data.pair is not None

    @property
    def noun(self) -> Literal["label", "level", "number"]:
        """What an answer is called."""
        return "number" if not self.labels else "level" if self.task == "ordinal" else "label"

    @property
    def headline(self) -> str:
        """Name of the figure that chose."""
        chose = self.recipe.get("ladder", {}).get("metric")
        return str(chose) if chose in self.metrics else self.learnt.objectives[0]

    @property
    def learnt(self) -> Task:
        """The task that was learnt."""
        return load_task(self.task, self.task_options)


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
    facts = None if problems else Facts.model_validate(values)
    if facts is not None:
        problems = list(_misfits(facts))
    if facts is None or problems:
        raise ArtifactError(
            "facts-damaged",
            "the bundle's description is not valid",
            where=str(path),
            found="; ".join(map(_shortened, problems[:4])),
            advice="restore the folder from where it came, or train again",
        )
    return facts


def _misfits(facts: Facts) -> Iterator[str]:
    """Tell what is wrong beyond the types of the fields, one sentence a problem."""
    if facts.tokens is not None:
        yield from _token_misfits(facts.tokens, reads_pairs=facts.reads_pairs)
    yield from _method_misfits(facts)
    if (facts.runtime is not None) is not (facts.kind == "runtime"):
        yield "runtime and kind: a model of kind runtime says what runs it, any other kind does not"
    yield from _runtime_misfits(facts.runtime)
    yield from _cascade_misfits(facts)
    yield from _recipe_misfits(facts.recipe)
    if facts.data.labels.keys() - set(facts.labels):
        yield "data.labels: some are not among the labels"
    odd = [label for label in facts.labels if not _reads_as(label, facts.label_type)]
    if odd:
        yield f"label_type = {facts.label_type}: the label {quote(odd[0])} is not of this type"
    if facts.task not in TASKS.names():
        yield f"task = {quote(facts.task)}: known are {', '.join(TASKS.names())}"
        return
    options = problems_of(TASKS.member(facts.task).Options, facts.task_options, where="task_options")
    if options:
        yield from options
        return
    task = facts.learnt
    yield from task.misfits(facts.coding, facts.calibration)
    yield from _metrics_misfits(facts.metrics, facts.labels, "metrics", task=task)
    if facts.compression is not None:
        yield from _compression_misfits(facts.compression, task.objectives[0])
    if facts.test_metrics is not None:
        yield from _metrics_misfits(facts.test_metrics, facts.labels, "test_metrics", task=task)


def _token_misfits(tokens: TokenFacts, *, reads_pairs: bool) -> Iterator[str]:
    """Tell what keeps texts from being read as a description says."""
    if tokens.pooling not in POOLINGS.names():
        yield f"tokens.pooling = {quote(tokens.pooling)}: known are {', '.join(POOLINGS.names())}"
    known = (JOINED, *PAIRINGS.names())
    if tokens.pairing not in (None, *known):
        yield f"tokens.pairing = {quote(tokens.pairing or '')}: known are {', '.join(known)}"
    if (tokens.pairing is not None) is not reads_pairs:
        yield "tokens.pairing and data.pair: a model of pairs has both, any other has neither"


def _cascade_misfits(facts: Facts) -> Iterator[str]:
    """Tell what keeps stages from being those of a cascade."""
    if (facts.cascade is not None) is not (facts.kind == "cascade"):
        yield "cascade and kind: a model of kind cascade says its stages, any other kind has none"
    if facts.cascade is None:
        return
    last = [stage.least_margin is None for stage in facts.cascade]
    if last != [False] * (len(last) - 1) + [True] or not 2 <= len(last) <= _MOST_STAGES:
        yield f"cascade: 2 to {_MOST_STAGES} stages, each but the last with a least margin, are wanted"
    for number, stage in enumerate(facts.cascade[:_MOST_STAGES]):
        if stage.kind not in STAGE_KINDS:
            yield f"cascade.{number}.kind = {stage.kind}: allowed are {', '.join(STAGE_KINDS)}"
        if (stage.runtime is not None) is not (stage.kind == "runtime"):
            yield f"cascade.{number}.runtime and kind: a stage of kind runtime says what runs it, any other does not"
        yield from (f"cascade.{number}.{each}" for each in _token_misfits(stage.tokens, reads_pairs=facts.reads_pairs))
        yield from (f"cascade.{number}.{each}" for each in _runtime_misfits(stage.runtime))


def _runtime_misfits(runtime: RuntimeFacts | None) -> Iterator[str]:
    """Tell what our own engine does not multiply."""
    if runtime is not None and runtime.name == "flat" and runtime.precision != "int8":
        yield f"runtime.precision = {runtime.precision}: the runtime flat multiplies int8"


def _method_misfits(facts: Facts) -> Iterator[str]:
    """Tell what keeps a method from being that of a bundle of this kind."""
    if (facts.method is not None) is not (facts.kind == "adapter"):
        yield "method and kind: an adapter has a method, any other kind has none"
    elif facts.method is not None and facts.method.name not in METHODS.names():
        yield f"method.name = {quote(facts.method.name)}: known are {', '.join(METHODS.names())}"
    elif facts.method is not None:
        options = METHODS.member(facts.method.name).Options
        yield from problems_of(options, facts.method.options, where="method.options")


def _compression_misfits(compression: CompressionFacts, objective: str) -> Iterator[str]:
    """Tell what cannot be read of what a compression lost."""
    loss, agreement = (compression.figures.get(name) for name in ("loss", "agreement"))
    if not isinstance(loss, dict) or not _are_numbers(loss.get(objective), _OF_A_FIGURE):
        yield f"compression.figures.loss: {objective} is not a value with its low and high end"
    if agreement is not None and not _are_numbers(agreement, _OF_A_FIGURE):
        yield "compression.figures.agreement is not a value with its low and high end"


def _recipe_misfits(recipe: Mapping[str, Any]) -> Iterator[str]:
    """Tell what cannot be read of a recipe."""
    for section, names in _READ_OF_RECIPE.items():
        values = recipe.get(section, {})
        if not isinstance(values, dict):
            yield f"recipe.{section} is no section"
            continue
        for name in names:
            if not isinstance(values.get(name), str | None):
                yield f"recipe.{section}.{name} is no text"


def _metrics_misfits(metrics: Mapping[str, Any], labels: tuple[str, ...], where: str, *, task: Task) -> Iterator[str]:
    """Tell what keeps these from being METRICS of these labels."""
    lacking = [name for name in (*task.objectives, *task.tables) if name not in metrics]
    if lacking:
        yield f"{where} lack {', '.join(lacking)}"
        return
    for name, figure in metrics.items():
        if name not in (_PER_CLASS, _CONFUSION) and not _are_numbers(figure, _OF_A_FIGURE):
            yield f"{where}: {quote(name)} is not a value with its low and high end"
    if _PER_CLASS in metrics:
        yield from _per_class_misfits(metrics[_PER_CLASS], labels, f"{where}.{_PER_CLASS}")
    if _CONFUSION in metrics:
        yield from _confusion_misfits(metrics[_CONFUSION], labels, f"{where}.{_CONFUSION}")


def _per_class_misfits(per_class: Any, labels: tuple[str, ...], where: str) -> Iterator[str]:
    if not isinstance(per_class, dict) or per_class.keys() != set(labels):
        yield f"{where} is not of the labels"
    elif not all(_are_numbers(row, _OF_A_LABEL) for row in per_class.values()):
        yield f"{where}: a label lacks one of {', '.join(sorted(_OF_A_LABEL))}"


def _confusion_misfits(confusion: Any, labels: tuple[str, ...], where: str) -> Iterator[str]:
    counts = confusion.get("counts") if isinstance(confusion, dict) else None
    if not isinstance(confusion, dict) or confusion.get("labels") != list(labels) or not _is_square(counts, labels):
        yield f"{where} is not of the labels"


def _are_numbers(values: Any, names: set[str]) -> bool:
    """Tell whether this has these names and no others, each a number."""
    return isinstance(values, dict) and values.keys() == names and all(type(n) in (int, float) for n in values.values())


def _is_square(counts: Any, labels: tuple[str, ...]) -> bool:
    """Tell whether this is whole numbers, one for each label and label."""
    rows = counts if isinstance(counts, list) and len(counts) == len(labels) else [None]
    return all(
        isinstance(row, list) and len(row) == len(labels) and all(type(count) is int for count in row) for row in rows
    )


def _reads_as(label: str, label_type: LabelType) -> bool:
    """Tell whether a label can be given back in the type it is said to have come in."""
    try:
        _READS[label_type](label)
    except (ValueError, KeyError):
        return False
    return True


def _shortened(problem: str) -> str:
    """Leave out the middle of a problem that shows a whole section."""
    half = _LONGEST_PROBLEM // 2
    return problem if len(problem) <= _LONGEST_PROBLEM else f"{problem[:half]} … {problem[-half:]}"
