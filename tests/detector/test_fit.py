"""The prior-centred logistic regression, against scikit-learn and by law."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from stillwatch.detector.features import expit
from stillwatch.detector.fit import WIDTHS, _at_width, fit


def data(seed=0, n=120, d=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    y = (rng.random(n) < expit(x @ np.array([1.5, -1, 0.5, 0]))).astype(float)
    return x, y, rng.uniform(0.2, 2, n)


def test_without_an_offset_it_is_scikit_learn_s_ridge():
    x, y, w = data()
    for width in WIDTHS:
        ours = _at_width(x, np.zeros(len(x)), y, w, width).coefficients
        theirs = LogisticRegression(C=width**2, fit_intercept=False, tol=1e-10, max_iter=5_000).fit(
            x, y, sample_weight=w
        )
        np.testing.assert_allclose(ours, theirs.coef_[0], atol=2e-5)


def test_with_an_offset_and_soft_targets_it_is_the_least_of_its_loss():
    x, y, w = data(1)
    offset = np.random.default_rng(2).normal(size=len(x))
    soft = 0.1 + 0.8 * y

    def loss(b):
        odds = offset + x @ b
        return np.sum(w * (np.logaddexp(0, odds) - soft * odds)) + 0.5 * b @ b / 0.4**2

    np.testing.assert_allclose(
        _at_width(x, offset, soft, w, 0.4).coefficients, minimize(loss, np.zeros(4), tol=1e-12).x, atol=1e-4
    )


def test_targets_that_agree_with_the_base_change_nothing():
    x, _, w = data(3)
    offset = np.linspace(-3, 3, len(x))
    np.testing.assert_allclose(fit(x, offset, expit(offset), w).coefficients, 0, atol=1e-8)


def test_clear_labels_allow_more_bending_than_noise():
    x, _, w = data(4)
    clear = (x[:, 0] > 0).astype(float)
    noise = np.random.default_rng(5).integers(0, 2, len(x)).astype(float)
    assert fit(x, np.zeros(len(x)), clear, w).width > fit(x, np.zeros(len(x)), noise, w).width


def test_the_order_of_rows_does_not_matter():
    x, y, w = data(6)
    order = np.random.default_rng(7).permutation(len(x))
    ours = fit(x, np.zeros(len(x)), y, w).coefficients
    np.testing.assert_allclose(ours, fit(x[order], np.zeros(len(x)), y[order], w[order]).coefficients, atol=1e-8)
