"""Techniques that make a model smaller.

A member has ``DOES``, what it does in a few words; ``LEARNS``, whether it learns from what its parent says;
``LEAVES_ENCODER``, whether what it makes is an encoder, which can be made smaller again; ``Options``; and
``compress(parent, rows, options=…, work=…)``, which gives a ``Compressed``. Whether that is good enough is for the gate
to say.
"""

from __future__ import annotations

from tunesmith.config import Family

TECHNIQUES = Family("technique", __name__, __path__)
