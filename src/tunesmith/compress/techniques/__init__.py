"""Techniques that make a model smaller.

A member has ``DOES``, what it does in a few words, and ``compress(parent, rows, max_loss=…, told=…)``, which gives a
``Compressed``; whether it is good enough is for the gate to say.
"""

from __future__ import annotations

from tunesmith.config import Family

TECHNIQUES = Family("technique", __name__, __path__)
