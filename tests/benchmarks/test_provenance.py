"""Provenance of benchmark figures."""

from __future__ import annotations

from benchmarks.provenance import cpu_model, cpu_named

_LISTING = """processor\t: 0
cpu family\t: 26
model\t\t: 2
model name\t: AMD EPYC
flags\t\t: fpu avx avx2 avx512f

processor\t: 1
cpu family\t: 99
"""


def test_generations_of_one_name_are_told_apart() -> None:
    assert cpu_named(_LISTING) == "AMD EPYC (family 26, model 2, avx512)"
    assert cpu_named(_LISTING.replace("26", "25").replace(" avx512f", "")) == "AMD EPYC (family 25, model 2, avx2)"


def test_a_listing_without_details_gives_what_it_has() -> None:
    assert cpu_named("model name : Example 1\n") == "Example 1"
    assert cpu_named("") == ""
    assert cpu_model()
