"""Between the teacher's basin and the line's: trajectories that end with the kink at an end of the input.

At given Q the states on the best line form a curve, and its end at one wall is a door: through it the loss
can fall below the best line's. Thresholds between global and linear outcomes are the starts that end there.
"""

from __future__ import annotations

import sympy

from gradflow.proofs import integrals, teacher
from gradflow.proofs.cells import (
    DEFAULT,
    FALLING,
    RISING,
    Cell,
    Expr,
    Piece,
    Place,
    b1,
    hi,
    lo,
    p,
    q,
    s_minus,
    s_plus,
    w1,
    w2,
    wt1,
    wt2,
)
from gradflow.proofs.proof import Proof, sign
from gradflow.proofs.render import main
from gradflow.proofs.teacher import MIDDLE

ZERO = sympy.Integer(0)
Q, m, mean = sympy.symbols("Q m m_f", real=True)
k, W = sympy.symbols("k W", positive=True)
n = sympy.Symbol("n", real=True)

STATUS = "proved"
STATEMENT = """
Let φ(z) = s max(z, 0), s ≠ 0, let the teacher have a breakpoint inside the input, let l be the best line,
a ≠ 0 its slope, m = E x. The hyperactive states with f = l are those with s w1 w2 = a and s w2 (m w1 +
b1) + b2 = E f* (derivation 9), L = L_line there; among them the edges have z = 0 at an end n of the
input.

(1) Curve. At given Q = w1² + b1² − w2², |w1| = W determines w2² = k²/W² and b1² = Q + k²/W² − W², k =
|a/s|. Both fall with W, and W falls with |b1|. If 0 is in the input, b1 ≥ 0, with b1 = 0 only at an edge
n = 0, and the state is determined by W, Q and the signs.

(2) Edges. At each end n and each Q there is exactly one: |w1|² = (Q + √(Q² + 4 (1 + n²) k²))/(2 (1 +
n²)), w1 > 0 at n = lo, w1 < 0 at n = hi, b1 = −n w1, w2 = a/(s w1), b2 = l(n). Call the one with s w2 of
the sign of s w2ᵀ the door D(Q): its w1 has the sign of a s w2ᵀ.

(3) The other edge is closed: in a neighbourhood of it L ≥ L_line. The door is open: every neighbourhood
of it contains states with L < L_line.

(4) Separation. Let U be the set of starts whose solution reaches L < L_line; by derivation 11 it goes to
the teacher. Let θ(0) be in the closure of U but not in U, let its solution not pass w1 = b1 = 0, and L <
Var f* at some time. Then θ(t) converges to D(Q).

So on a continuous line of starts from U to starts that end on the best line, there is one with θ(t) →
D(Q), unless its loss never falls below Var f* or its solution passes w1 = b1 = 0 (which Q ≥ 0 excludes,
derivation 10): the threshold is a zero of the distance of lim θ(t) from D(Q).

(5) For the default problem D(Q) = (W, W, 1/(2 W), −1/4), W² = (Q + √(Q² + 2))/4; on w1 = w2 = 1, b1 = 0,
where Q = 0, W⁴ = 1/8.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1) with s₋ = 0, for the population; the same φ for teacher and student.",
    "A solution is a continuously differentiable curve with dθ/dt = −∇L where (w1, b1) ≠ (0, 0), and is "
    "unique there, as ∇L is locally Lipschitz (derivation 4).",
    "In (4) the Łojasiewicz inequality for continuously differentiable semialgebraic functions (Kurdyka, "
    "Ann. Inst. Fourier 48, 1998) is used, not proved; L is one: it is a rational function on each of "
    "finitely many cells.",
)

PROOF = """
(1) From s w1 w2 = a. The derivatives of k²/W² and Q + k²/W² − W² are negative. If 0 is in the input, z(0)
= b1 ≥ 0 as the neuron is hyperactive; b1 = 0 makes 0 an end and the state an edge.

(2) At an edge b1 = −n w1, so z = w1 (x − n) ≥ 0 on the input decides the sign of w1. Q = (1 + n²) w1² −
k²/w1² grows with w1² from −∞ to ∞; the script checks that the stated w1² solves it. f = l has the value
b2 where z = 0. The two edges have w1, hence w2 = a/(s w1), of opposite signs.

(3) Let the neuron be balanced with its kink p near the end n of the input, h the part of f that is
missing from the line through its active part: h = 0 where it is active and h = −s w2 z where it is not,
so that f = l₁ + h with a line l₁ and h has the sign of s w2. As l − f* is orthogonal to all lines (the
script checks it for a rising teacher, with the kink next to each end; x → −x gives the others), L −
L_line = E[(f − l)²] + 2 E[(l − f*) h]. f* is convex if s w2ᵀ > 0 and concave if s w2ᵀ < 0, and not a
line, so l − f* has at both ends the sign of −s w2ᵀ; the script finds it from the closed form. By
continuity it has it also between n and p, if p is near enough to n. If s w2 has the opposite sign of s
w2ᵀ, both terms are ≥ 0: the edge is closed. (On the hyperactive side L ≥ L_line in any case. Near an edge
no neuron is dead, as w1 ≠ 0 gives z > 0 at the other end.) At the door choose states near it with l₁ = l
and the kink at the distance d from n, inside: h is at most C d there, on a part d of the input: E[h²] =
O(d³), while 2 E[(l − f*) h] is at most −C′ d² with C′ > 0. So L < L_line for small d.

(4) Bounded. Let c = L(0) < Var f* (shift time). By the proof of derivation 11 the active part is not
small, |f| is bounded on it, w1 w2 is bounded, and |w2| √(w1² + b1²) ≥ C₁ > 0. While the neuron is
balanced, b2 = f(p) with p in the closure of the active part, so b2, w2 b1 = −p w1 w2 and |w2| √(w1² +
b1²) are bounded, hence, Q being constant, |w2| ≤ C₂. While it is hyperactive |∇L| ≥ 2 c₀ |w2| √e
(derivation 8), so a piece of path on which |w2| ≥ M has the length ≤ √e(0)/(c₀ M) < 1 if M is large: |w2|
≤ max(C₂, M, |w2(0)|) + 1 for ever. Then √(w1² + b1²) is bounded by Q, and b2 by f. So the solution exists
for all t ≥ 0, and its ω-limit set Ω is not empty, compact, connected and consists of critical points, at
(w1, b1) ≠ (0, 0) because of C₁. L < Var f* excludes (D) and (S) of derivation 9. A point of (G) in Ω
would make L(t) → 0, and θ(0) a member of U. So Ω lies in (H).

Not inside (H). Let Ω contain a state with z > 0 on the input. There e = 0 and w2 ≠ 0, so the hypotheses
of derivation 8's trap hold at it with room, and in a neighbourhood. θ enters it, and so does every
solution that starts near enough to θ(0): none of these starts is in U, and θ(0) is not in its closure. So
Ω consists of edges with the given Q. There are two; Ω is connected: θ(t) converges to one of them.

Not the closed edge P. Near P, L ≥ L_line and |∇L| ≥ C (L − L_line)^ϑ with 0 < ϑ < 1 (Łojasiewicz). A
solution that starts within r of P with (L − L_line)^(1−ϑ) < C (1 − ϑ) r has a path of at most r as long
as it stays within 2 r, hence for ever, and L ≥ L_line on it. θ comes that near, and with it all solutions
that start near θ(0); none is in U, as U is the set where L falls below L_line. So θ(t) → D(Q).

(5) m = 0, a = 1/2, l(−1) = −1/4, s w2ᵀ = 1, n = lo = −1.
"""

PROVED_BY = (
    ("(1)", ("d(k²/W²)/dW = −2 k²/W³", "d(b1²)/dW = −2 k²/W³ − 2 W"), "b1 ≥ 0 where 0 is in the input"),
    (
        "(2)",
        ("at an edge Q grows with w1²", "the stated w1² is a root", "and positive:…"),
        "which sign of w1 goes with which end, and that Q takes all values",
    ),
    (
        "(3)",
        ("E[(l − f*)…", "(l − f*)(lo) has the sign of −s w2ᵀ", "(l − f*)(hi) has the sign of −s w2ᵀ"),
        "the signs are kept near an end by continuity, the reflection x → −x, and the orders d² and d³ at "
        "the door",
    ),
    (
        "(4)",
        (),
        "boundedness, a limit set of critical points, the Łojasiewicz inequality (quoted), and that neither "
        "the inside of (H) nor the closed edge is a limit",
    ),
    ("(5)", ("default…",), "(2) with s = 1 and n = −1"),
)

NOT_CLAIMED = (
    "The converse: that all starts which end at the door are on the boundary of U (derivation 35 has it).",
    "A closed form of the threshold: which start of a line ends at the door is found numerically.",
    "That a further quantity is conserved in the hyperactive cell; none is known, and W is enclosed, not "
    "given.",
    "Boundaries between other pairs of outcomes. From balanced states an open set of starts may end at "
    "the closed edge.",
)


def prove(proof: Proof) -> None:
    prove_curve(proof)
    for kind in (RISING, FALLING):
        prove_orthogonal(proof, kind)
        prove_ends(proof, kind)
    prove_default(proof)


def edge_square() -> Expr:
    """Return |w1|² at the edge at n."""
    return (Q + sympy.sqrt(Q**2 + 4 * (1 + n**2) * k**2)) / (2 * (1 + n**2))


def prove_curve(proof: Proof) -> None:
    """Prove that the curve is monotone and that the edge lies on it."""
    balance = Q + (k / W) ** 2 - W**2
    proof.equal("d(k²/W²)/dW = −2 k²/W³", ((k / W) ** 2).diff(W), -2 * k**2 / W**3)
    proof.equal("d(b1²)/dW = −2 k²/W³ − 2 W", balance.diff(W), -2 * k**2 / W**3 - 2 * W)
    square = sympy.Symbol("S", positive=True)
    level = (1 + n**2) * square - k**2 / square
    proof.equal("at an edge Q grows with w1²", level.diff(square), (1 + n**2) + k**2 / square**2)
    there = sympy.expand((1 + n**2) * edge_square() ** 2 - Q * edge_square() - k**2)
    proof.holds("the stated w1² is a root", sympy.simplify(there) == 0)
    proof.holds("and positive: √(Q² + 4 (1 + n²) k²) > |Q|", bool((4 * (1 + n**2) * k**2).is_positive))


def best_line(proof: Proof, cell: Cell) -> tuple[Expr, Expr]:
    """Return slope and mean of the best line of the cell's teacher, for s₋ = 0."""
    mean, slope = teacher.best_line(proof, cell, {s_minus: ZERO})
    compact = cell.place.compact
    return sympy.factor(slope.xreplace(compact)), sympy.factor(mean.xreplace(compact))


def prove_orthogonal(proof: Proof, kind: object) -> None:
    """Prove that l − f* is orthogonal to 1 and x, with a student whose kink is near an end."""
    assert kind in (RISING, FALLING)
    cell = Cell(kind, RISING, (lo, p, q, hi) if kind is RISING else (lo, q, p, hi))
    slope, level = best_line(proof, cell)

    def missing(piece: Piece, at: Expr) -> Expr:
        return (slope * (at - MIDDLE) + level - integrals.teacher(piece, at)).xreplace({s_minus: ZERO})

    for name, factor in (("1", lambda _: sympy.Integer(1)), ("x", lambda at: at)):
        value = proof.mean(cell, lambda piece, at, factor=factor: missing(piece, at) * factor(at))  # type: ignore[misc]
        proof.equal(f"E[(l − f*) {name}] = 0", value.xreplace({s_minus: ZERO}), ZERO, cell.place)

    def hinge(piece: Piece, at: Expr) -> Expr:
        inactive = piece.student.xreplace({s_minus: ZERO}) == 0
        return -s_plus * w2 * (w1 * at + b1) if inactive else ZERO

    def of_line(piece: Piece, at: Expr) -> Expr:
        return integrals.student(piece, at).xreplace({s_minus: ZERO}) - slope * (at - MIDDLE) - level

    # As (f − f*)² = (f − l)² + 2 (f − l) (l − f*) + (l − f*)², L − L_line = E[(f − l)²] + 2 E[(l − f*) h].
    rest = proof.mean(cell, lambda piece, at: missing(piece, at) * (of_line(piece, at) - hinge(piece, at)))
    proof.equal("E[(l − f*) (f − l − h)] = 0", rest.xreplace({s_minus: ZERO}), ZERO, cell.place)


def prove_ends(proof: Proof, teacher: object) -> None:
    """Prove the sign of l − f* at both ends: that of −s w2ᵀ."""
    assert teacher in (RISING, FALLING)
    cell = Cell(RISING, teacher, (lo, p, q, hi))
    slope, level = best_line(proof, cell)
    left, right = sympy.symbols("u v", positive=True)
    for name, piece, end in (("lo", cell.pieces[0], lo), ("hi", cell.pieces[-1], hi)):
        value = slope * (end - MIDDLE) + level - integrals.teacher(piece, end)
        compact = value.xreplace({s_minus: ZERO}).xreplace(cell.place.compact)
        # Per unit of −s w2ᵀ |w1ᵀ|; the teacher's bias b2ᵀ cancels.
        unit = sympy.cancel(sympy.together(compact / (-s_plus * wt2 * wt1 * teacher.sign)))
        spread = Place("u = q − lo, v = hi − q", {}, {q: lo + left, hi: lo + left + right})
        proof.holds(f"(l − f*)({name}) has the sign of −s w2ᵀ", sign(unit, spread) == 1, cell.place)


def prove_default(proof: Proof) -> None:
    """Prove the numbers of the default problem."""
    half = sympy.Rational(1, 2)
    square = edge_square().xreplace({n: sympy.Integer(-1), k: half})
    proof.equal("default: W² = (Q + √(Q² + 2))/4", square, (Q + sympy.sqrt(Q**2 + 2)) / 4)
    proof.equal("default, Q = 0: W⁴ = 1/8", square.xreplace({Q: ZERO}) ** 2, sympy.Rational(1, 8))
    cell = Cell(RISING, RISING, (lo, p, q, hi))
    numbers = {**DEFAULT, q: ZERO, wt1: sympy.Integer(1), wt2: sympy.Integer(1)}
    slope, level = (sympy.sympify(value).xreplace(numbers) for value in best_line(proof, cell))
    proof.equal("default: a = 1/2", slope, half)
    proof.equal("default: l(−1) = E f* − a = −1/4", level - slope, -sympy.Rational(1, 4))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the edge and the curve."""
    shift = sympy.Symbol("b1")
    return (
        ("The edge at the end n", sympy.Eq(W**2, edge_square())),
        ("The curve", sympy.Eq(shift**2, Q + k**2 / W**2 - W**2)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
