"""Weights of evidence: learned from certain pairs, chosen one-to-one, clustered without chains."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from insight import linkage
from insight.linkage import Field


def test_one_to_one_takes_the_best_and_each_once() -> None:
    a, b = np.array([0, 0, 1]), np.array([2, 3, 2])
    assert linkage.one_to_one(a, b, np.array([3.0, 2.0, 2.5]), 0.0) == [(0, 2)]
    assert linkage.one_to_one(a, b, np.array([2.0, 3.0, 2.5]), 0.0) == [(0, 3), (1, 2)]


def test_a_chain_of_single_likenesses_is_not_one_cluster() -> None:
    a, b = np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4])
    label = linkage.average_link(5, a, b, np.array([4.0, 3.0, 4.0, 1.0]), 0.0)
    assert len(set(label.tolist())) == 3 and label[0] == label[1] and label[2] == label[3]


def test_a_clique_is_one_cluster() -> None:
    a, b = np.array([0, 0, 1]), np.array([1, 2, 2])
    assert set(linkage.average_link(3, a, b, np.array([4.0, 3.0, 1.0]), 0.0).tolist()) == {0}


@pytest.fixture(scope="module")
def pairs() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for n in range(400):
        name, phone, city = f"firm {rng.integers(1e9)}", f"{rng.integers(1e6)}", f"city {n % 20}"
        rows.append((name, phone, city))
        rows.append((name if n % 10 else f"other {n}", phone if n % 7 else None, city if n % 5 else "elsewhere"))
    return pl.DataFrame(rows, schema=["name", "phone", "city"], orient="row")


FIELDS = (
    Field("name", "grams", (0.5, 0.95), (("phone", "city"),)),
    Field("phone", "equal", (1.0,), (("name", "city"),)),
    Field("city", "equal", (1.0,), (("name", "phone"),)),
)


def test_rare_agreement_weighs_more_than_common_and_missing_nothing(pairs: pl.DataFrame) -> None:
    a, b = linkage.candidates(pairs, [["name"], ["phone"], ["city"]])
    learned = linkage.learn(pairs, FIELDS, a, b)
    assert learned.learned and learned.prior < -5
    assert learned.weights["phone"][1] > learned.weights["city"][1] > 0 > learned.weights["city"][0]
    x, y = np.array([0]), np.array([1])
    assert pairs["phone"][1] is None
    without = linkage.Weights(FIELDS[:1] + FIELDS[2:], learned.weights, learned.prior, learned.certain_pairs)
    assert linkage.total(pairs, learned, x, y) == pytest.approx(linkage.total(pairs, without, x, y), abs=1e-5)


def test_true_pairs_are_found(pairs: pl.DataFrame) -> None:
    a, b = linkage.candidates(pairs, [["name"], ["phone"], ["city"]])
    learned = linkage.learn(pairs, FIELDS, a, b)
    found = linkage.one_to_one(a, b, linkage.total(pairs, learned, a, b), linkage.log_odds(0.5))
    right = sum(x // 2 == y // 2 for x, y in found)
    assert right / len(found) > 0.99 and right > 340


def test_a_comparison_that_is_not_known_says_so(pairs: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="use equal, grams, jaro_winkler or prefix"):
        linkage.levels(pairs, Field("name", "magic"), np.array([0]), np.array([1]))
