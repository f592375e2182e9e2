"""The scalar search for a polynomial's first exit finds what the search on arrays finds, grazes included."""

from __future__ import annotations

import numpy as np

from gradflow.flow.batch_crossing import first_exit as of_many
from gradflow.flow.compiled import layout as at
from gradflow.flow.compiled.exit import first_exit


def polynomials(n: int = 400) -> np.ndarray:
    """Return eight terms of 4n polynomials; a quarter are parabolas that dip below zero, or not quite."""
    rng = np.random.default_rng(0)
    terms = rng.normal(size=(8, 4 * n)) * (0.5 ** np.arange(8))[:, None]
    terms[0, :n] = np.abs(terms[0, :n])
    terms[0, 3 * n :] = 0.0
    place, depth = rng.uniform(0.0, 1.0, n), 10.0 ** rng.uniform(-12.0, -4.0, n)
    depth[::2] *= -1.0
    height = rng.uniform(0.5, 2.0, n)
    first, last = height * place**2 - depth, height * (1.0 - place) ** 2 - depth
    terms[:, n : 2 * n] = 0.0
    terms[:3, n : 2 * n] = first, last - first, -height
    return terms


def test_for_any_polynomial() -> None:
    terms = polynomials()
    expected = of_many(np, [term[None, :] for term in terms])
    assert 0.2 < np.mean(expected.exists) < 0.9
    dips = slice(400, 800)
    assert 0.4 < np.mean(expected.exists[0, dips]) < 0.6
    for i, polynomial in enumerate(terms.T):
        q = [0.0] * at.SCRATCH
        q[at.HEIGHTS : at.HEIGHTS + 8] = polynomial.tolist()
        assert first_exit(q, at.HEIGHTS, 0) == expected.exists[0, i]
        if expected.exists[0, i]:
            assert q[at.EXIT_S] == expected.s[0, i]
            assert q[at.EXIT_DEPTH] == expected.depth[0, i]
