"""The picture of accuracy against compute as a file, of one model's climb or of several models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith.api.model import Model, open_bundle
from tunesmith.bundle.load import Bundle
from tunesmith.errors import ArtifactError, ConfigError, shown_value
from tunesmith.files.atomic import try_writing, write_bytes
from tunesmith.files.reading import read_json
from tunesmith.report.paradigm.as_png import png_file, refuse_without_font
from tunesmith.report.paradigm.as_svg import svg_file
from tunesmith.report.paradigm.climbed import Climbed, climbed_of
from tunesmith.report.paradigm.cost import COSTS
from tunesmith.report.paradigm.held import held_together
from tunesmith.report.paradigm.language import LANGUAGES
from tunesmith.report.paradigm.picture import Picture, picture_of
from tunesmith.report.paradigm.plan import sheet
from tunesmith.types import JSON

_ENDINGS = (".svg", ".png")


@dataclass(frozen=True)
class PlotFile:
    """A picture that is wanted."""

    path: Path
    cost: str = "seconds"
    """``seconds``, ``flops`` or ``energy``."""
    language: str = "en"
    """``en`` or ``zh``."""

    def check(self) -> None:
        """Make sure that it can be written, before anything is trained for it.

        Raises:
            ConfigError: ``bad-plot``.
            ResourceError: ``no-chinese-font``, ``write-failed`` or ``disk-full``.
        """
        _refuse_unknown("--cost", self.cost, tuple(COSTS))
        _refuse_unknown("--language", self.language, tuple(LANGUAGES))
        _refuse_unknown("--plot", self.path.suffix.lower(), _ENDINGS)
        if not self.path.parent.is_dir() or self.path.is_dir():
            raise ConfigError(
                "bad-plot",
                "the plot cannot be written there",
                where=str(self.path),
                found="a folder of this name" if self.path.is_dir() else f"no folder {self.path.parent}",
                allowed="a file in a folder that exists",
            )
        if self.path.suffix.lower() == ".png":
            refuse_without_font(self.language)
        try_writing(self.path)


def plot_asked(path: Path | None, cost: str | None, language: str | None) -> PlotFile | None:
    """Take together what was given for a picture.

    Args:
        path: File to write; None for no picture.
        cost: What it counts; left out, ``seconds``.
        language: Left out, ``en``.

    Returns:
        The picture, checked.

    Raises:
        ConfigError: ``bad-plot``, also for a cost or a language without a file.
        ResourceError: As ``PlotFile.check`` says.
    """
    given = {"cost": cost, "language": language}
    named = {name: value for name, value in given.items() if value is not None}
    if path is not None:
        wanted = PlotFile(path, **named)
        wanted.check()
        return wanted
    if named:
        raise ConfigError(
            "bad-plot",
            "this is told of a plot, and none is asked for",
            where=", ".join(f"--{name}" for name in named),
            advice="name the file to draw: --plot picture.svg",
        )
    return None


def plot(
    models: Model | str | Path | Sequence[Model | str | Path],
    out: str | Path,
    *,
    cost: str = "seconds",
    language: str = "en",
    compared: Mapping[str, Any] | None = None,
) -> dict[str, JSON]:
    """Draw what the steps of climbs reached against what they cost, from the model folders alone.

    Args:
        models: One model or several, or their folders.
        out: File to write, ``.svg`` or ``.png``; a file of this name is replaced.
        cost: What the axis counts: ``seconds``, ``flops`` or ``energy``.
        language: ``en`` or ``zh``.
        compared: What ``compare`` said of these models: each is then one point, at its figure on those rows and at what
            it took to train.

    Returns:
        ``plot``, the file; ``headline`` and ``deck``, what it says; ``cost``; ``points``, each with ``model``,
        ``name``, ``cost``, ``score``, ``kept`` and ``on_frontier``.

    Raises:
        ConfigError: ``bad-plot``, ``too-few-models``, ``same-model``, or ``models-differ`` where their figures differ.
        TunesmithError: A model cannot be opened.
    """
    wanted = PlotFile(Path(out), cost, language)
    wanted.check()
    given = [models] if isinstance(models, Model | str | Path) else list(models)
    bundles = [each.bundle if isinstance(each, Model) else open_bundle(each) for each in given]
    return _draw_climbs(bundles, wanted) if compared is None else _draw_compared(bundles, compared, wanted)


def _draw_climbs(bundles: Sequence[Bundle], wanted: PlotFile) -> dict[str, JSON]:
    """Draw the climbs that brought these bundles, if one axis can show their figures."""
    names = _names(bundles)
    climbs = [_climbed(bundle, name) for bundle, name in zip(bundles, names, strict=True)]
    objectives = sorted({climbed.objective for climbed in climbs})
    if len(objectives) > 1:
        raise ConfigError(
            "models-differ",
            "the models were chosen by different figures, which one axis cannot show",
            found=", ".join(f"{climbed.name}: {climbed.objective}" for climbed in climbs),
            advice="train them with the same --metric, or give tunesmith compare a labelled file as well",
        )
    picture = picture_of(climbs, COSTS[wanted.cost], LANGUAGES[wanted.language])
    owners = [climbed.name for climbed in climbs for _ in climbed.steps]
    return _written(picture, wanted, owners=owners)


def _draw_compared(bundles: Sequence[Bundle], found: Mapping[str, Any], wanted: PlotFile) -> dict[str, JSON]:
    """Draw models that answered the same rows, the reference first."""
    by_folder = {str(bundle.folder): bundle for bundle in bundles}
    folders = [each["model"] for each in (found["reference"], *found["models"])]
    if by_folder.keys() != set(folders):
        raise ConfigError(
            "bad-plot",
            "other models were compared than are to be drawn",
            found=", ".join(folders),
            allowed=", ".join(by_folder),
        )
    in_order = [by_folder[folder] for folder in folders]
    names = _names(in_order)
    climbs = [_climbed(bundle, name) for bundle, name in zip(in_order, names, strict=True)]
    picture = picture_of([held_together(climbs, found)], COSTS[wanted.cost], LANGUAGES[wanted.language])
    return _written(picture, wanted, owners=names)


def _climbed(bundle: Bundle, name: str) -> Climbed:
    climbed = climbed_of(bundle.facts, read_json(bundle.folder / "costs.json"), name=name)
    if not climbed.steps:
        raise ArtifactError(
            "costs-damaged",
            "what the bundle says of its costs is not valid",
            where=f"{name}/costs.json",
            found=f"no rung with {climbed.objective} and its interval",
            advice="restore the folder from where it came, or train again",
        )
    return climbed


def _names(bundles: Sequence[Bundle]) -> list[str]:
    """Name models by their folders, by whole paths where folders of one name lie in different places."""
    if not bundles:
        raise ConfigError("too-few-models", "no model is given", advice="name a model folder")
    paths = [bundle.folder.resolve() for bundle in bundles]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise ConfigError("same-model", "the same model is named twice", where=str(twice), advice="name each once")
    short = [path.name for path in paths]
    return short if len(set(short)) == len(short) else [str(bundle.folder) for bundle in bundles]


def _written(picture: Picture, wanted: PlotFile, *, owners: Sequence[str]) -> dict[str, JSON]:
    drawing = sheet(picture)
    is_png = wanted.path.suffix.lower() == ".png"
    write_bytes(wanted.path, png_file(drawing) if is_png else svg_file(drawing).encode())
    return {
        "plot": str(wanted.path),
        "headline": picture.headline,
        "deck": picture.deck,
        "cost": wanted.cost,
        "points": [
            {
                "model": owner,
                "name": point.step,
                "cost": point.cost,
                "score": point.score.as_dict(),
                "kept": point.kept,
                "on_frontier": point.on_frontier,
            }
            for owner, point in zip(owners, picture.points, strict=True)
        ],
    }


def _refuse_unknown(where: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(
            "bad-plot",
            "a plot of this kind is not known",
            where=where,
            found=shown_value(value),
            allowed=", ".join(known),
        )
