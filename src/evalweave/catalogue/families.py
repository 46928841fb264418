"""Models by the family of their quasi-likelihood."""

from __future__ import annotations

from typing import Literal

Family = Literal["poisson", "gamma", "logit"]
POISSON: Family = "poisson"
GAMMA: Family = "gamma"
LOGIT: Family = "logit"
