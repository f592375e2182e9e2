"""Death in finite time is at w1 = b1 = 0: exceptional on inputs with lo·hi ≥ −1, an open set on wide ones.

Blown up, the direction of (w1, b1) follows a gradient flow on the circle. Where lo·hi ≥ −1 the directions in
which a neuron could die repel; on [−L, L] with L > √3 and the default teacher some attract.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

x, p, L, y = sympy.symbols("x p L y", real=True)
u, angle, w, b, r = sympy.symbols("u vartheta w b r", real=True)
ell, s = sympy.symbols("ell s", positive=True)

STATUS = "proved"
STATEMENT = """
Let φ(z) = s max(z, 0), s ≠ 0, inputs uniform on [lo, hi], lo < 0 < hi, ℓ = hi − lo, and f* Lipschitz
continuous. Write (w1, b1) = u (cos ϑ, sin ϑ), u > 0, and ψ = φ(x cos ϑ + sin ϑ), so that φ(w1 x + b1) = u
ψ. Put h(ϑ, b2) = E[(b2 − f*) ψ] and H = w2 h. A neuron dies at the origin if it is not dead and comes to
w1 = b1 = 0 in finite time; by derivation 10 (1) the flow kills in no other way in finite time. It needs
w2² > w1² + b1².

(1) With $dt = u dτ$: dϑ/dτ = −2 ∂H/∂ϑ + O(u), du/dτ = −2 u H + O(u²), dw2/dτ = O(u²), db2/dτ = −2 u (b2 − E
f*) + O(u²), and all of these are locally Lipschitz continuous in (ϑ, u, w2, b2), u ≥ 0. For cos ϑ > 0 and p
= −tan ϑ in the input h = s cos ϑ E[(b2 − f*)(x − p) 1_A], ∂h/∂ϑ = s cos ϑ E[(b2 − f*)(1 + p x) 1_A] with A
= [p, hi], and ∂²h/∂ϑ² = −h + s (b2 − f*(p)) (1 + p²)^(3/2)/ℓ; for cos ϑ < 0 likewise with A = [lo, p] and
|cos ϑ|; where ψ > 0 on the whole input ∂²h/∂ϑ² = −h.

(2) Let lo·hi ≥ −1 and f* be monotone on the input. Then every direction with ∂H/∂ϑ = 0 and H > 0 is a
strict maximum of H, with one-sided second derivatives ≤ −H, on the walls too.

(3) Under the hypotheses of (2) the starts from which a neuron dies at the origin have measure zero.

(4) Trap. By reflections let w1 > 0 and ω = s w2 > 0. Let lo ≤ p₁ < p < p₂ < hi for the breakpoint p, and
let N(p, β) = E[(β − f*)(x − p) 1_A], G(p, β) = E[(β − f*)(1 + p x) 1_A], J(p) = E[(x − p)(1 + p x) 1_A].
Suppose that as long as the breakpoint is in [p₁, p₂] and u falls, b2 stays in [β₁, β₂], that N ≥ N₀ √(1 +
p²), N₀ > 0, on [p₁, p₂] × [β₁, β₂], and that for both β, G(p₁, β) > ω w max(−J(p₁), 0) and −G(p₂, β) > ω
w max(J(p₂), 0) with the first ω, and w = u/√(1 + pᵢ²) with the first u. Then the neuron dies at the
origin, at a time ≤ u/(2 ν N₀), ν = √(ω² − s² u²).

(5) Where for some b2 and w2 the function H > 0 has a strict local minimum between two directions of
balanced neurons at which ∂H/∂ϑ has the sign of ϑ's distance from it, an open set of starts dies at the
origin.

(6) For f* = max(x, 0) on [−L, L] there is such an open set for every L > √3. In the direction of the wall
p = −L, with s w2 < 0 and b2 = −(L³/6 − L/4): ∂H/∂ϑ = 0, H > 0, and on the balanced side ∂²H/∂ϑ² has the
sign of (L² − 3)(2 L² + 1).

(7) After the arrival, resting at w1 = b1 = 0 while b2 → E f* is a solution with φ′(0) = 0. If H < 0 in
some direction of a balanced or hyperactive neuron, there is another one, which leaves at once. So
solutions are not unique.
"""

HYPOTHESES = (
    "Those of the loss (derivation 1) with s₋ = 0, on the population. In (2) and (3) f* is Lipschitz "
    "continuous and monotone on the input: a neuron whose slopes have one sign, ReLU for instance.",
    "A solution is a continuous curve, differentiable with dθ/dt = −∇L where (w1, b1) ≠ (0, 0), and at w1 = "
    "b1 = 0 with φ′(0) = 0 if it stays there.",
    "(3) is about Lebesgue measure in (w1, b1, w2, b2).",
)

PROOF = """
(1) The flow is w1' = −2 w2 E[r φ′ x], b1' = −2 w2 E[r φ′], w2' = −2 E[r φ], b2' = −2 E r with r = w2 u ψ
+ b2 − f*. So u' = −2 w2 E[r ψ] and u ϑ' = −2 w2 E[r ∂ψ/∂ϑ] (script), which gives the rates. The integrals
over $A$ have Lipschitz integrands and ends p = −tan ϑ that are Lipschitz while p is in the input. The
second derivative is that of an integral with a moving end.

(2) Let r̃ = (b2 − f*) times the sign of s w2, and cos ϑ > 0 (otherwise x → −x). In $A$ we have 1 + p x ≥ 0,
as p x ≥ lo·hi ≥ −1, with equality at most at one point. ∂H/∂ϑ = 0 is E[r̃ (1 + p x) 1_A] = 0, and H is a
positive factor times E[r̃ (1 + p x) t 1_A], t = (x − p)/(1 + p x), which increases (script). If r̃ does not
rise on A, Chebyshev's inequality for the weight 1 + p x gives H ≤ 0. So r̃ rises, is not constant, and has
a mean 0: r̃(p) < 0. Hence ∂²H/∂ϑ² = −H + (a positive factor) r̃(p) < −H on the balanced side, p = lo
included, and −H on the hyperactive side. Next to the dead directions H → 0.

(3) Let a neuron that is not dead come to u = 0 at the time T. |u'| is at most a constant times |w2|, so u
≤ c (T − t) and τ → ∞. w2 and b2 converge; w2² → −Q > 0 (Q < 0 by derivation 10 (2)). Let H be that of the
limits. As ϑ follows −2 ∂H/∂ϑ up to terms that tend to 0, and stays out of the dead directions, it passes
any direction with ∂H/∂ϑ ≠ 0 in one sense only, late, and so at most once: its limit set is connected and
∂H/∂ϑ = 0 on it, so H is constant there. If H < 0, log u rises in the end. If H > 0, then by (2) the set
is one point, a strict maximum, and ϑ converges to it. H = 0 does not occur: (a) If f* is constant and b2
→ f*, then y = b2 − E f* and u have |u'| + |y'| ≤ c (u + |y|) and tend to 0 at T: by Gronwall's inequality
they are 0 before. (b) Otherwise f* is not constant, or b2 does not tend to it, which is left for the edge
of the dead directions only, as E[(b2 − f*) ψ] ≠ 0 elsewhere. In a hyperactive direction H = ∂H/∂ϑ = 0
means E[b2 − f*] = E[(b2 − f*) x] = 0, which a monotone f* excludes. By strictness in Chebyshev's
inequality f* = b2 on A at a balanced direction, or the direction is the edge of the dead ones, at an end
e. If b2 ≠ f*(e) at the edge, b2 − f* has one sign on A late. If b2 = f*(e), or f* = b2 on A ≠ the input,
b2 is an extreme value of f*, which is monotone and not constant, so b2 − E f* ≠ 0 in the limit, b2' → −2
(b2 − E f*) takes b2 to that value from outside of f*'s range, and b2 − f* ≥ 0 on the whole input, or ≤ 0,
late. So b2 − f* has one sign on A late in all these cases, and ϑ is in one of the two arcs of balanced
directions. If s w2 (b2 − f*) ≤ 0 on A then u' ≥ −c u: u does not vanish. If it is ≥ 0, then s w2 r ≥ 0 on
A, and with cos ϑ > 0 (otherwise x → −x) u ϑ' = −2 cos ϑ E[s w2 r (1 + p x) 1_A] ≤ 0: p rises, ϑ moves in
one sense, by less than π in all, and as u' = −2 cos ϑ E[s w2 r (x − p) 1_A], |d log u| ≤ t(hi) |dϑ|,
where t = (x − p)/(1 + p x) is bounded at x = hi, as p is not at the other end: u does not vanish. So
every start that dies converges in (ϑ, u, w2, b2) to a point of S = {u = 0, ∂H/∂ϑ = 0, H > 0}. About a
point of S take a box so small that the ϑ-component of the field grows with ϑ at the rate λ > 0 at least
(on both sides of walls: the field is Lipschitz and this holds for its derivatives almost everywhere), by
(2). Choose M > 0 with M |b2 − E f*| ≤ H/2 at the point. For two solutions in the box let Δ = |δϑ| and D =
|δu| + |δw2| + M |δb2|. By (1) the ϑ-component is Lipschitz, so Δ' ≥ λ Δ − C D with some C. In the rates
of δu, δw2 and δb2 all terms have a factor u but −2 H δu, in the first, and −2 (b2 − E f*) δu, in the
last, which the first outweighs by the choice of M: so D' ≤ ε (Δ + D), where ε is as small as one likes
for a small box, with the same M and C. So with K = 4 C/λ and ε (1 + K) (1 + 1/K) ≤ λ/4 the cone Δ ≥ K D
is not left and Δ grows exponentially in it (script): two different solutions that stay in the box for
ever have Δ < K D. Those that stay are a Lipschitz graph over (u, w2, b2): of measure zero. S is covered
by countably many such boxes. A start that dies is in one of the boxes from some rational τ on for ever;
the flow in τ off u = 0 is locally Lipschitz in both directions, and takes sets of measure zero to such.

(4) As long as the breakpoint is in the sector, u' = −2 ω (N/√(1 + p²)) − 2 ω² u E[ψ²]/s² ≤ −2 ν N₀,
because ω² = s² (u² − Q) ≥ ν². The pre-activation at a fixed input y has the rate −2 ω E[r (1 + x y) 1_A];
at y = p₁ when p = p₁ that is −2 ω (G + ω w J) < 0 and at y = p₂ when p = p₂ it is > 0: the breakpoint
cannot leave the sector. u and ω fall. So u comes to 0 in time. (Where f* ≤ β₁ on the sector N is convex
in p, and its tangents bound it from below.)

(5) For u → 0 the time in (4) and with it the way of b2 tend to 0, and so does what ω w J contributes: the
strict inequalities of (4) for small u are G > 0 at one end, G < 0 at the other and N > 0 between, for the
one b2. They hold for w2 and b2 nearby: an open set.

(6) The script computes the integrals. ∂H/∂ϑ = 0 and ∂²H/∂ϑ² > 0 on the balanced side make G < 0 just
inside, at p₂ > −L. With b2 a little lower than stated G(−L) > 0 while G(p₂) < 0 is kept, so that (5)
applies on [−L, p₂], by (4) with p₁ = −L. (f → −f makes s w2 > 0 and b2 − f* = L³/6 − L/4 + max(x, 0) > 0;
G(−L) rises with −b2.)

(7) Resting is a solution as all derivatives but that of b2 vanish. Let H, with the w2 and b2 of the
arrival, have a negative minimum −2 m on the circle. As H = 0 in the dead directions and ∂H/∂ϑ is
continuous, there are to the right of a minimum, before the first direction with H = −m, one with ∂H/∂ϑ >
0, and to its left one with ∂H/∂ϑ < 0: the ends of a sector in which H ≤ −m and at whose ends −∂H/∂ϑ
points inwards. By (1) solutions that start in it at u = 1/n stay in it for a common time, with u ≥ c t,
because u' = −2 H + O(u). They have a common Lipschitz constant, so by the theorem of Arzelà and Ascoli
some of them converge uniformly, to a curve from u = 0 with u ≥ c t, a solution for t > 0, as the gradient
is continuous there.
"""

PROVED_BY = (
    (
        "(1)",
        (
            "u' = −2 w2 E[r ψ]",
            "u ϑ' = −2 w2 E[r ∂ψ/∂ϑ]",
            "∂h/∂ϑ by p",
            "∂²h/∂ϑ² on a balanced cell",
            "∂²h/∂ϑ² = −h on the hyperactive directions",
        ),
        "that the terms in u are Lipschitz",
    ),
    ("(2)", ("t increases with x", "p x ≥ lo·hi at the corners"), "Chebyshev's inequality and the signs"),
    (
        "(3)",
        ("the cone of differences is not left", "differences grow in the cone"),
        "the limit set of ϑ, that H = 0 does not occur, D' ≤ ε (Δ + D), the covering by boxes, and sets of "
        "measure zero under Lipschitz maps",
    ),
    (
        "(4)",
        ("z at a fixed input", "w J is E[z (1 + p x) 1_A]"),
        "the argument at the first time at which the breakpoint leaves the sector",
    ),
    ("(5)", (), "(4) for small u, by continuity"),
    (
        "(6)",
        ("wall: ∂H/∂ϑ = 0", "wall: H > 0", "wall: the second derivative"),
        "that G changes its sign in a sector for b2 nearby",
    ),
    ("(7)", (), "a limit of solutions by Arzelà and Ascoli"),
)

NOT_CLAIMED = (
    "Anything for 1 < L ≤ √3, or for other teachers where lo·hi < −1, but what (4) and (5) decide.",
    "Which solution is the right one after the arrival: φ′(0) = 0 selects rest. What small steps or "
    "Filippov's solutions do is open.",
    "That all of the open set of (6) is decided by the trap: it is sufficient, not necessary.",
    "Anything for teachers that are not monotone on the input, such as |x|.",
)


def prove(proof: Proof) -> None:
    prove_blow_up(proof)
    prove_directions(proof)
    prove_cone(proof)
    prove_sector(proof)
    prove_wall(proof)


def prove_blow_up(proof: Proof) -> None:
    """Prove the rates in polar coordinates; r is the residual's value, multiplied by φ′ = s on A."""
    cos, sin = sympy.cos(angle), sympy.sin(angle)
    w1_rate, b1_rate = -2 * w * r * s * x, -2 * w * r * s
    psi = s * (x * cos + sin)
    radial = sympy.simplify(cos * w1_rate + sin * b1_rate + 2 * w * r * psi)
    proof.holds("u' = −2 w2 E[r ψ]", radial == 0)
    turning = sympy.simplify(cos * b1_rate - sin * w1_rate + 2 * w * r * psi.diff(angle))
    proof.holds("u ϑ' = −2 w2 E[r ∂ψ/∂ϑ]", turning == 0)
    slope = sympy.simplify((psi.diff(angle) - s * cos * (1 + p * x)).subs(p, -sympy.tan(angle)))
    proof.holds("∂h/∂ϑ by p", slope == 0)
    # d/dϑ of the integral of c(x) ∂ψ/∂ϑ over [p(ϑ), hi]: ∂²ψ/∂ϑ² = −ψ, and the end moves.
    proof.holds("∂²h/∂ϑ² = −h on the hyperactive directions", sympy.simplify(psi.diff(angle, 2) + psi) == 0)
    end = -sympy.tan(angle)
    moves = -psi.diff(angle).subs(x, end) * end.diff(angle)
    third = (1 + p**2) * sympy.sqrt(1 + p**2) * s
    # cos ϑ = 1/√(1 + p²) for cos ϑ > 0.
    found = sympy.simplify(sympy.trigsimp(moves) - s / cos**3)
    size = sympy.simplify((s / cos**3).subs(angle, -sympy.atan(p)) - third)
    proof.holds("∂²h/∂ϑ² on a balanced cell", found == 0 and size == 0)


def prove_directions(proof: Proof) -> None:
    """Prove what (2) needs of (x − p)/(1 + p x)."""
    t = (x - p) / (1 + p * x)
    rise = sympy.cancel(t.diff(x) - (1 + p**2) / (1 + p * x) ** 2)
    proof.holds("t increases with x", rise == 0)
    low, high = sympy.symbols("lo hi", positive=True)
    # A product is bilinear, so least at a corner of the square of [−lo, hi].
    corners = [(-low) * (-low), -low * high, high * -low, high * high]
    smallest = [sympy.simplify(corner + low * high) for corner in corners]
    proof.holds("p x ≥ lo·hi at the corners", all(bool(value.is_nonnegative) for value in smallest))


def prove_cone(proof: Proof) -> None:
    """Prove that the cone of differences is not left, and growth in it."""
    rate, far, small, D, extra = sympy.symbols("lambda C epsilon D e", positive=True)
    K = 4 * far / rate
    # On the edge Δ = K D: (Δ − K D)' ≥ λ Δ − C D − K ε (Δ + D).
    edge = (rate * K - far) * D - K * small * (K + 1) * D
    bound = rate / (4 * (1 + K) * (1 + 1 / K))
    worst = sympy.simplify(edge.subs(small, bound) / D)
    proof.holds("the cone of differences is not left", bool(sympy.factor(worst).is_positive))
    # In the cone Δ' ≥ λ Δ − C D with D ≤ Δ/K.
    growth = sympy.simplify(rate * (K * D + extra) - far * (D + extra / K) - 3 * rate / 4 * (K * D + extra))
    proof.equal("differences grow in the cone", growth, sympy.Integer(0))


def prove_sector(proof: Proof) -> None:
    """Prove the rate at a fixed input and the neuron's own part."""
    rate = -2 * w * r * x * y - 2 * w * r
    proof.equal("z at a fixed input", rate, -2 * w * r * (1 + x * y))
    z = w * x + b
    own = sympy.cancel((z * (1 + p * x) - w * (x - p) * (1 + p * x)).subs(b, -w * p))
    proof.holds("w J is E[z (1 + p x) 1_A]", own == 0)


def prove_wall(proof: Proof) -> None:
    """Prove the direction of the wall p = −L for the default teacher, r̃ = c + max(x, 0)."""
    size = sympy.Symbol("L", positive=True)
    level = size**3 / 6 - size / 4

    def mean(factor: Expr) -> Expr:
        """Return E[r̃ factor] over the whole input."""
        left = sympy.integrate(sympy.expand(level * factor), (x, -size, 0))
        right = sympy.integrate(sympy.expand((level + x) * factor), (x, 0, size))
        return sympy.simplify((left + right) / (2 * size))

    proof.holds("wall: ∂H/∂ϑ = 0", mean(1 - size * x) == 0)
    # h̃ = cos ϑ E[r̃ (x + L)].
    height = mean(x + size) / sympy.sqrt(1 + size**2)
    stated = size**2 * sympy.sqrt(1 + size**2) / 6
    proof.holds("wall: H > 0", sympy.simplify(height - stated) == 0 and bool(stated.is_positive))
    second = -height + level * (1 + size**2) ** sympy.Rational(3, 2) / (2 * size)
    factor = (size**2 - 3) * (2 * size**2 + 1) * sympy.sqrt(1 + size**2) / 24
    proof.holds("wall: the second derivative", sympy.simplify(second - factor) == 0)


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return the blown-up flow's leading order and the second derivative."""
    H, T, N0, nu, c, rate, turn = sympy.symbols("H T N_0 nu b2 uprime varthetaprime")
    slope = sympy.Symbol("H_vartheta")
    return (
        ("Size, in τ, to leading order", sympy.Eq(rate, -2 * u * H)),
        ("Direction, in τ, to leading order", sympy.Eq(turn, -2 * slope)),
        ("Death at the origin at the latest", sympy.Eq(T, u / (2 * nu * N0))),
        ("b2 in the direction of the wall", sympy.Eq(c, -(L**3) / 6 + L / 4)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
