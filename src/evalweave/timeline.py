"""The first and the last day that a table may hold, and the days that stand for no day at all."""

from __future__ import annotations

import datetime as dt

FIRST_DAY = dt.date(1000, 1, 1)  # engines read earlier years as years before Christ, or not at all
LAST_DAY = dt.date(2999, 12, 31)  # the last day of a registration that has not ended
UNKNOWN_FROM = dt.date(2999, 1, 1)  # systems write 2999-… and 9999-… where they know no date
