"""Error-free transformations, and the two expressions that need them.

Near death the active part of the input has the relative width (w1·hi + b1)/(w1·(hi − lo)). A rounded
product leaves it no correct digit once it is as small as the rounding error, so the product's error
is carried along. The identities hold in exact arithmetic too (every error term is then 0), which is
how the field's proof runs the same code on symbols.

References
----------
.. [1] T. J. Dekker, "A floating-point technique for extending the available precision", Numerische
   Mathematik 18 (1971) 224-242.
.. [2] T. Ogita, S. M. Rump, S. Oishi, "Accurate sum and dot product", SIAM Journal on Scientific
   Computing 26 (2005) 1955-1988.
"""

from __future__ import annotations

from gradflow.base.arrays import Array


def splitter(dtype: object) -> float:
    """Return Veltkamp's constant 2^⌈p/2⌉ + 1 for a float32 or float64 dtype (or its name)."""
    return 4097.0 if "float32" in str(dtype) else 134217729.0


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return (s, e) with s = fl(a + b) and s + e = a + b exactly (Knuth)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a: Array, b: Array, split: float) -> tuple[Array, Array]:
    """Return (p, e) with p = fl(a·b) and p + e = a·b exactly, barring over- and underflow (Dekker)."""
    p = a * b
    t = split * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = split * b
    b_high = t - (t - b)
    b_low = b - b_high
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


def affine(w: Array, x: Array, b: Array, split: float) -> Array:
    """Return w·x + b rounded about once, however much of it cancels."""
    p, product_error = two_product(w, x, split)
    s, sum_error = two_sum(p, b)
    return s + (sum_error + product_error)


def determinant(a: Array, b: Array, c: Array, d: Array, split: float) -> Array:
    """Return a·b − c·d rounded about once, however much of it cancels."""
    p, p_error = two_product(a, b, split)
    q, q_error = two_product(c, d, split)
    s, sum_error = two_sum(p, -q)
    return s + (sum_error + (p_error - q_error))


def distilled(terms: list[Array]) -> list[Array]:
    """Return as many numbers of the same sum, exactly; the last is the sum rounded, the others its error.

    As many passes as terms leave the others small however much cancels. Where the last exceeds the sum of
    their sizes it has the sum's sign (the passes are those of [2]_).
    """
    for _ in terms:
        for i in range(len(terms) - 1):
            total, error = two_sum(terms[i], terms[i + 1])
            terms = [*terms[:i], error, total, *terms[i + 2 :]]
    return terms
