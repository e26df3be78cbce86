"""``student``: a model of fewer layers, or a narrower one, which begins as a part of its parent and learns from it.

Source: Sanh et al. 2019 (DistilBERT) for the beginning; what is learnt is the parent's answer and what its head sees.
"""

from __future__ import annotations

from pydantic import Field

from tunesmith.compress.distilling import Learning, lesson_of, on_trial, taught
from tunesmith.compress.narrowing import narrowed, refuse_width
from tunesmith.compress.source import Compressed, Parent, Rows, Work
from tunesmith.errors import ConfigError, plural
from tunesmith.models.smaller import keep_layers

DOES = "fewer layers or narrower ones, taught by the model itself: about half of the time for a text"
LEARNS = True
LEAVES_ENCODER = True


class Options(Learning):
    """How much smaller the student is, and how it learns."""

    layers: int | None = Field(None, ge=1)
    """Layers of the student; left out, half of the parent's, rounded up, or all of them where it is narrower."""

    width: int | None = Field(None, ge=1)
    """Entries of the vector of a token, a multiple of a head's; left out, as many as the parent has."""


def compress(parent: Parent, rows: Rows, *, options: Options, work: Work) -> Compressed:
    """Teach a smaller model.

    Args:
        parent: The teacher.
        rows: Those to fit on teach, and so do further texts; no label is looked at.
        options: Layers and width, and how it learns.
        work: The budget of the learning.

    Returns:
        The student, of kind ``encoder``.

    Raises:
        ConfigError: ``bad-setting``: it would not have fewer layers than its parent, or cannot be so narrow.
    """
    there, width = parent.encoder.config.num_hidden_layers, options.width
    if width is not None:
        refuse_width(parent, width)
    if width is not None and options.layers in (None, there):
        kept, begun = list(range(there)), "begun as all layers"
    else:
        kept = layers_kept(there, options.layers or -(-there // 2))
        begun = f"begun as {plural(len(kept), 'layer')} {', '.join(map(str, kept))} of {there}, counted from 0"
    lesson = lesson_of(parent, rows, work)
    encoder = keep_layers(parent.encoder, kept)
    if width is None:
        classifier = on_trial(parent, encoder)
    else:
        classifier, lesson, narrower = narrowed(parent, encoder, lesson, width=width, seed=work.seed)
        begun += f"; {narrower}"
    work.narrator.say(begun)
    model, note = taught(parent, classifier, lesson, learning=options, work=work, stage="student")
    return Compressed("encoder", model, None, (begun, note))


def layers_kept(there: int, wanted: int) -> list[int]:
    """Choose layers that lie evenly: the last of each of so many equal parts.

    Args:
        there: Layers of the parent.
        wanted: Layers to keep.

    Returns:
        Their numbers from the bottom up, the lowest being 0; the parent's last is among them, which the head knows.

    Raises:
        ConfigError: ``bad-setting``: that is not fewer.

    Example:
        >>> layers_kept(6, 3), layers_kept(12, 5)
        ([1, 3, 5], [1, 3, 6, 8, 11])
    """
    if wanted >= there:
        raise ConfigError(
            "bad-setting",
            f"layers = {wanted}: not fewer than the {there} of the model",
            allowed=f"1 to {there - 1}" if there > 1 else "a model of two layers or more",
            advice="ask for fewer layers, or make the model smaller in another way, such as --to int8",
        )
    return [(part + 1) * there // wanted - 1 for part in range(wanted)]
