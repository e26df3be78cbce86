"""Networks trained from scratch: ``build(options, embedding_size)`` gives a ``Body``, to stand on word vectors.

``POOLING`` of a member names the pooling that goes with it, ``LEARNING_RATE`` the peak rate it is trained with unless
another is asked for, and ``SHARE_OF_MATMUL_RATE`` how fast it is expected to train, for forecasts: small products, one
word after the other, fall far behind the rate of large ones.
"""

from __future__ import annotations

from tunesmith.config import Family

NETWORKS = Family("network", __name__, __path__)
