"""Optimisers: ``build(groups, options)`` gives a torch optimiser over parameter groups that carry their own rates.

``SCHEDULE`` of a member names the schedule that suits it. ``AVERAGES`` says whether it keeps a mean of the weights in
its state, under ``train.averaging.AVERAGE``, which is then what is scored and kept. ``RATE`` is how many times the rate
that suits AdamW suits it, where none is asked for; ``benchmarks/training_choices`` measures each at that.
"""

from __future__ import annotations

from tunesmith.config import Family

OPTIMISERS = Family("optimiser", __name__, __path__)
