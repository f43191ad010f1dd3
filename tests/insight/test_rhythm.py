"""Order days: what counts as a day with an order."""

from __future__ import annotations

from datetime import date

import polars as pl

from insight.rhythm import order_days

AS_OF = date(2026, 7, 1)


def test_a_return_is_no_order_and_takes_back_the_order_of_its_day_only_when_nothing_is_left() -> None:
    rows = [
        (date(2026, 1, 5), 100.0, False),  # an order
        (date(2026, 1, 5), 40.0, False),  # the same day: still one
        (date(2026, 2, 5), -60.0, True),  # a return alone
        (date(2026, 2, 6), 0.0, True),  # goods sent back without money
        (date(2026, 3, 5), 100.0, False),
        (date(2026, 3, 5), -30.0, True),  # a part of it came back at once
        (date(2026, 4, 5), 100.0, False),
        (date(2026, 4, 5), -100.0, True),  # all of it came back at once
        (AS_OF, 100.0, False),  # not known yet
    ]
    lines = pl.DataFrame(rows, schema=["ordered_on", "net_amount", "is_return"], orient="row").with_columns(
        account_key=pl.lit("a"), product_key=pl.lit("p"), quantity=pl.lit(1.0)
    )
    days = order_days(lines, AS_OF)
    assert days["ordered_on"].to_list() == [date(2026, 1, 5), date(2026, 3, 5)]
    assert days["amount"].to_list() == [140.0, 100.0]
