"""One label a text: how labels become targets, and what is said of those that the model does not know."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tunesmith.data.places import Places
from tunesmith.errors import DataError
from tunesmith.tasks import Coding, load_task


def refusal(labels: Sequence[str], known: Sequence[str], *, places: Places | None = None) -> DataError:
    """The error that labels are met with."""
    with pytest.raises(DataError, match="unseen-label") as caught:
        load_task("single_label").read_targets(
            labels, Coding(tuple(known)), places=places or Places.of("new.csv", range(2, 2 + len(labels)))
        )
    return caught.value


def test_labels_become_their_numbers() -> None:
    """In the order of the outputs."""
    places = Places.of("a.csv", [2, 3, 4])
    assert load_task("single_label").read_targets(["b", "a", "b"], Coding(("a", "b")), places=places).tolist() == [
        1,
        0,
        1,
    ]


def test_the_lines_of_the_file_are_told() -> None:
    """Rows that were left out before have no number any more, and a record may span lines: only lines can be found."""
    told = refusal(["a", "small talk", "b", "chat"], ["a", "b"], places=Places.of("new.csv", [2, 5, 6, 9]))
    assert told.found == '"chat", "small talk" in 2 rows (lines 5, 9)'
    assert told.message == "2 labels of this file are not among the model's"


def test_without_a_file_rows_are_counted_as_they_were_given() -> None:
    """From 1."""
    told = refusal(["a", "small talk", "b"], ["a", "b"], places=Places.of("labels", [1, 2, 3], unit="row"))
    assert told.found == '"small talk" in 1 row (row 2)'
    assert told.message == "1 label of this file is not among the model's"


def test_twenty_lines_are_told_and_that_there_are_more() -> None:
    """A column taken for the label by mistake has as many labels as rows."""
    told = refusal([f"text {row}" for row in range(500)], ["a", "b"])
    assert told.found is not None
    assert told.found.startswith('"text 0", "text 1", "text 10", "text 100", "text 101" and 495 more in 500 rows')
    assert told.found.endswith(" 20, 21, ...)")


@pytest.mark.parametrize("hostile", ["\x1b[2J\x1b[31mcard", "card\r\u202edrac", "x" * 1000])
def test_no_label_reaches_the_terminal_as_it_is(hostile: str) -> None:
    """Neither an unknown label nor one of the model's may colour the screen, turn the line round or fill it."""
    for told in (refusal([hostile], ["card", "delivery"]), refusal(["card"], [hostile, "delivery"])):
        shown = told.render()
        assert [char for char in shown if not char.isprintable() and char != "\n"] == []
        assert "x" * 80 not in shown
        assert '"delivery"' in shown


def test_a_long_list_of_labels_leaves_room_for_the_advice() -> None:
    """150 labels or labels of 80 characters: the first ones show how labels look, and the rest is counted."""
    for known in ([f"intent_{number:03d}" for number in range(150)], [f"{number:080d}" for number in range(20)]):
        told = refusal(["?" * 100] * 50, known)
        assert told.allowed is not None
        assert told.allowed.startswith(f'"{known[0]}"')
        n_shown = told.allowed.count('"') // 2
        assert told.allowed.endswith(f" and {len(known) - n_shown} more")
        lines = told.render().splitlines()
        assert len(lines) <= 12
        assert lines[-1].endswith("to be learnt")
