"""Figures against scikit-learn, against a slow plain BCubed, and against sums done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, precision_score, recall_score

from stillwatch.detector import measures


def test_rates_by_hand():
    flagged = np.array([True, True, True, False, False])
    positive = np.array([True, False, True, True, False])
    r = measures.rates(flagged, positive)
    assert (r.precision, r.recall, r.f1, r.flagged) == (2 / 3, 2 / 3, 2 / 3, 3)
    nothing = measures.rates(np.zeros(5, bool), positive)
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, 0.0, 0.0)
    innocent = measures.rates(flagged, np.zeros(5, bool))
    assert (innocent.precision, innocent.recall) == (0.0, None)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.floats(0.1, 5)), min_size=2, max_size=40).filter(
        lambda rows: len({r[1] for r in rows}) == 2
    )
)
def test_scores_are_scikit_learn_s(rows):
    p = np.array([r[0] / 20 for r in rows])
    y = np.array([float(r[1]) for r in rows])
    w = np.array([r[2] for r in rows])
    found = measures.scores(p, y, w)
    assert found.average_precision == pytest.approx(average_precision_score(y, p, sample_weight=w))
    assert found.brier == pytest.approx(brier_score_loss(y, p, sample_weight=w))
    flags = p >= 0.5
    if flags.any():
        assert found.precision == pytest.approx(precision_score(y, flags, sample_weight=w))
    assert found.recall == pytest.approx(recall_score(y, flags, sample_weight=w))
    assert found.f1 == pytest.approx(f1_score(y, flags, sample_weight=w))
    assert sum(b["accounts"] for b in found.calibration) == len(rows)


def test_calibration_by_hand():
    bins = measures.calibration(np.array([0.05, 0.95, 1.0]), np.array([0.0, 1.0, 0.0]), np.array([1.0, 3.0, 1.0]))
    assert bins == (
        {"from": 0.0, "to": 0.1, "mean": 0.05, "share": 0.0, "accounts": 1},
        {"from": 0.9, "to": 1.0, "mean": pytest.approx(0.9625), "share": 0.75, "accounts": 2},
    )


def test_recall_at_a_precision_by_hand():
    score = np.array([0.9, 0.8, 0.7, 0.6])
    positive = np.array([True, True, False, True])
    assert measures.recall_at_precision(score, positive, 0.99) == pytest.approx(2 / 3)
    assert measures.recall_at_precision(score, positive, 0.7) == 1.0
    assert measures.recall_at_precision(1 - score, positive, 0.99) == pytest.approx(1 / 3)
    assert measures.recall_at_precision(score, ~positive, 0.99) == 0.0
    assert measures.recall_at_precision(score, np.zeros(4, bool), 0.99) is None


def slow_bcubed(found, true):
    """BCubed as its definition reads, account by account."""
    n = range(len(found))
    precision = [
        sum(found[j] == found[i] and (j == i or (true[i] is not None and true[i] == true[j])) for j in n)
        / sum(found[j] == found[i] for j in n)
        for i in n
        if found[i] is not None
    ]
    recall = [
        sum(true[j] == true[i] and (j == i or (found[i] is not None and found[i] == found[j])) for j in n)
        / sum(true[j] == true[i] for j in n)
        for i in n
        if true[i] is not None
    ]
    return (
        sum(precision) / len(precision) if precision else None,
        sum(recall) / len(recall) if recall else None,
    )


group = st.sampled_from([None, "a", "b", "c"])


@given(st.lists(st.tuples(group, group), max_size=30))
def test_bcubed_is_its_definition(pairs):
    found, true = [p[0] for p in pairs], [p[1] for p in pairs]
    ours = measures.bcubed(found, true)
    precision, recall = slow_bcubed(found, true)
    assert ours.precision == (None if precision is None else pytest.approx(precision))
    assert ours.recall == (None if recall is None else pytest.approx(recall))


def test_bcubed_by_hand():
    found = ["x", "x", "x", "y", None, None]
    true = ["a", "a", None, "a", "a", None]
    b = measures.bcubed(found, true)
    assert b.precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)
    assert b.recall == pytest.approx((2 / 4 + 2 / 4 + 1 / 4 + 1 / 4) / 4)
