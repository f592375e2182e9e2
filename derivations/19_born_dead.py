"""How often a ReLU network is born dead, and how many of its units are.

Signs of independent symmetric units are independent coins: exact at one input, bounds for inputs of both
signs, and the share of units that are dead before any training.
"""

from __future__ import annotations

import sympy

from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

P, Q, R, A, q, V1, V2 = sympy.symbols("P Q R A q V_1 V_2", real=True)
L, layer = sympy.symbols("L l", integer=True, positive=True)
t = sympy.Symbol("t", real=True)
theta = sympy.Symbol("theta", positive=True)
HALF = sympy.Rational(1, 2)
QUARTER_TURN = sympy.pi / 2

STATUS = "proved"
STATEMENT = """
A ReLU network has hidden layers of N_1, …, N_L units. A layer is dead on a set X of inputs if all its
units are 0 at every input of X; the network is born dead on X if a hidden layer is (it is then constant
on X). A unit is dead on X if its pre-activation is ≤ 0 at every input of X.

(1) For one input x ≠ 0: given that layer l − 1 is not 0 at x, layer l is with probability 2^(−N_l). The
network is born dead at x with probability p = 1 − (1 − 2^(−N_1)) … (1 − 2^(−N_L)), exactly. The same p
holds for every X in one ray {c x : c ≥ 0} that is not {0} alone. For any X that contains x it is an upper
bound.

(2) With random biases, (w, b) of a unit with the law of (−w, −b), and (w, b)·α = 0 with probability 0 for
every α ≠ 0: layer l is 0 at x with probability 2^(−N_l), whatever the layers before are, and p is the
probability that some layer is, also for x = 0.

(3) One input dimension, X with numbers of both signs. The network is born dead on X iff it is so at −1
and at 1, so with probability 2 p − 1 + r, r that of being born dead at neither. With layer 1 alive on
both sides, layer 2 is dead on both with probability 4^(−N_2). For L = 1 the probability of being born
dead is 0, for L = 2 it is 2 · 2^(−N_1 − N_2) + (1 − 2 · 2^(−N_1)) 4^(−N_2), exactly. For any L it is at
least (at most) V_2 at the input of layer 1, from V_2 = V_1 = 0 after layer L and, going back layer by
layer, V_2 ← q + 2 (P − q) V_1 + (1 − 2 P + q) V_2, V_1 ← P + (1 − P) V_1, with P = 2^(−N_l), q = 0 for l
= 1, 4^(−N_2) for l = 2, and q = 4^(−N_l) (q = 2^(−N_l)) for l ≥ 3.

(4) In (3) a unit of layer 1 is never dead on X, and one of layer 2 is with probability 1/4 + 2^(−1−N_1).
For normal weights, and vectors that enter a layer from the two sides at the angle θ, a unit is dead on X
with probability 1/2 − θ/(2π). For widths that tend to ∞, θ = π for layer 1, and from layer to layer cos θ
← (sin θ + (π − θ) cos θ)/π: the shares of dead units at birth are 0, 1/4, 0.302, …, and rise to 1/2.
"""

HYPOTHESES = (
    "Weights and biases of different units are independent, and those of layer l of all layers before. In "
    "(1), (3) and (4) the biases are 0.",
    "A unit's weights w have the same law as −w, and w·a = 0 has probability 0 for every a ≠ 0. He's and "
    "LeCun's normal, and uniform weights on (−c, c), are such.",
    "In (3) and (4) also: the entries of w are independent and each symmetric.",
    "In the last part of (4): w normal with independent entries of one variance for each layer.",
)

PROOF = """
(1) Let a ≠ 0 be what enters the layer. w·a is symmetric and not 0, so it is negative with probability
1/2; the units are independent, so all N_l are with probability 2^(−N_l). If a = 0, all later layers are
0. The weights of layer l are independent of a, so the probability of no dead layer is multiplied by 1 −
2^(−N_l) at each layer, from 1 (checked). Without biases z is multiplied by c if x is, and its sign is not
changed by c > 0. A layer that is dead on X is so at x ∈ X.

(2) (w, b)·(a, 1) is symmetric and not 0, since (a, 1) ≠ 0 even if a = 0. The layer's coins are
independent of all before.

(3) Without biases the sign of z at x is that at 1 or at −1. If layer l is dead at 1, all layers after it
are, and likewise at −1; so if both sides die, the later of the two layers is dead at both. The first
formula is inclusion and exclusion. Follow the number of sides that are alive, from layer to layer. From
one it goes to none with probability P = 2^(−N), by (1). From two it goes to none with a probability q
that depends on the vectors a₊ and a₋ that enter, to a given single one with P − q, since each side dies
with P, and stays at two with 1 − 2 P + q (checked: the sum is 1). Layer 1: z at −1 is −z at 1, so a unit
is on at exactly one side and q = 0. Layer 2: a unit of layer 1 is on at one side only, so a₊ and a₋ have
disjoint supports. The two pre-activations w·a₊ and w·a₋ are made of different entries of w, so they are
independent and symmetric: a unit is off at both with probability 1/4, and q = 4^(−N_2). For L = 2 the
chain has the stated sum (checked, with its marginal p). For l ≥ 3, q ≤ P. And a₊, a₋ ≥ 0, so w·a₊ and
w·a₋ are non-decreasing functions of independent numbers, and by Harris' inequality both are ≤ 0 with
probability at least 1/2 · 1/2; hence q ≥ 4^(−N). The bounds go back from the last layer. Let U bound the
probability to end dead from two sides after the layer, from below or above, U itself belonging to a chain
as above with a constant q for each layer. Before the layer the same is bounded by q + 2 (P − q) V_1 + (1
− 2 P + q) U, with the derivative 1 − 2 V_1 + U in q (checked). It is ≥ 0, since in that chain each side
dies with the probability V_1, and two events of probability V_1 both happen with probability at least 2
V_1 − 1. So the least and the largest q give the bounds before the layer, and belong to a chain again.

(4) Layer 1: above. Layer 2: with probability 1 − 2 · 2^(−N_1) both sides are alive and the unit is dead
with 1/4; else one side is dead, and the unit with 1/2 (checked). Normal weights: the part of w in the
plane of a₊ and a₋ has a uniform direction; it is in both closed half-planes that face away from a₊ and a₋
on an arc of length π − θ (checked). The widths tend to ∞ one layer after the other: by the law of large
numbers the inner products of the vectors that leave a layer, divided by N, tend to E relu(g) relu(g cos θ
+ h sin θ) for independent normal g, h, times the layer's variance. In polar coordinates this is the mean
of the radius squared, 2, times an integral over the arc where both are positive (checked). Divided by E
relu(g)² = 1/2 it is the stated cosine. It exceeds cos θ by (sin θ − θ cos θ)/π (checked), which is 0 at θ
= 0 and has the derivative θ sin θ/π > 0 (checked): so θ falls from layer to layer, to the only fixed
point, 0.
"""

PROVED_BY = (
    (
        "(1)",
        ("one more layer: p + (1 − p) P is 1 − A (1 − P)",),
        "a symmetric w·a that is not 0 is a fair coin, and independence",
    ),
    ("(2)", (), "as (1), with (w, b)·(a, 1)"),
    (
        "(3)",
        (
            "the chain's probabilities add to 1",
            "each side dies with P",
            "one layer: 0",
            "two layers",
            "the marginal is p",
            "inclusion and exclusion",
            "the derivative in q (V_2 for U)",
        ),
        "independence for disjoint supports, Harris' inequality, and the induction back from the last layer",
    ),
    (
        "(4)",
        (
            "layer 2",
            "the arc where cos t and cos(t − θ) are ≤ 0",
            "its share of the circle",
            "E relu relu",
            "θ = 0 gives E relu² = 1/2, and is fixed",
            "it grows by this over π",
            "that is 0 at 0, and its derivative θ sin θ",
            "layer 3 has 0.302",
        ),
        "the uniform direction in a plane, the law of large numbers as one width after the other grows, and "
        "the limit of θ",
    ),
)

NOT_CLAIMED = (
    "The exact probability for inputs of both signs and three or more hidden layers: it depends on the law "
    "of the angle between the two sides.",
    "Inputs of more dimensions, other than the upper bound.",
    "That a network that is not born dead can be trained.",
    "Randomised asymmetric initialisation: gradflow.networks.deep.born_dead draws it.",
)

RELATED = (
    "Lu, Shin, Su and Karniadakis (arXiv 1903.06733): p as an upper bound; (1) says where it is exact.",
)


def prove(proof: Proof) -> None:
    # P stands for 2^(−N): what one more layer does to 1 − A, A the probability of no dead layer.
    proof.equal("one more layer: p + (1 − p) P is 1 − A (1 − P)", (1 - A) + A * P, 1 - A * (1 - P))
    both, one_left, none = q, P - q, 1 - 2 * P + q
    proof.equal("the chain's probabilities add to 1", both + 2 * one_left + none, sympy.Integer(1))
    proof.equal("each side dies with P", both + one_left, P)
    value = both + 2 * one_left * V1 + none * V2
    proof.equal("the derivative in q (V_2 for U)", value.diff(q), 1 - 2 * V1 + V2)
    prove_two_layers(proof)
    prove_shares(proof)


def prove_two_layers(proof: Proof) -> None:
    """Prove the sums of the chain for L = 1 and 2, with P = 2^(−N_1) and Q = 2^(−N_2)."""

    def back(side: Expr, both: Expr, value: tuple[Expr, Expr]) -> tuple[Expr, Expr]:
        two, one = value
        return both + 2 * (side - both) * one + (1 - 2 * side + both) * two, side + (1 - side) * one

    zero = sympy.Integer(0)
    proof.equal("one layer: 0", back(P, zero, (zero, zero))[0], zero)
    two, one = back(P, zero, back(Q, Q**2, (zero, zero)))
    proof.equal("two layers", two, 2 * P * Q + (1 - 2 * P) * Q**2)
    proof.equal("the marginal is p", one, 1 - (1 - P) * (1 - Q))
    # Neither side dies: layer 1 leaves both alive, and layer 2 leaves both alive.
    neither = (1 - 2 * P) * (1 - 2 * Q + Q**2)
    proof.equal("inclusion and exclusion", 2 * one - 1 + neither, two)
    # For q between Q² and Q the value in front of layer 3 is monotone: its ends bound it.
    proof.equal(
        "the bounds' width for three layers",
        back(R, R, (zero, zero))[0] - back(R, R**2, (zero, zero))[0],
        R - R**2,
    )


def prove_shares(proof: Proof) -> None:
    """Prove the shares of dead units at birth."""
    alive = 1 - 2 * P
    proof.equal("layer 2", alive / 4 + (1 - alive) / 2, sympy.Rational(1, 4) + P / 2)
    arc = sympy.integrate(1, (t, theta + QUARTER_TURN, 3 * QUARTER_TURN))
    proof.equal("the arc where cos t and cos(t − θ) are ≤ 0", arc, sympy.pi - theta)
    proof.equal("its share of the circle", sympy.expand(arc / (2 * sympy.pi)), HALF - theta / (2 * sympy.pi))
    # cos t cos(t − θ) by its primitive.
    primitive = (2 * t * sympy.cos(theta) + sympy.sin(2 * t - theta)) / 4
    difference = sympy.expand_trig(primitive.diff(t)) - sympy.expand_trig(sympy.cos(t) * sympy.cos(t - theta))
    proof.holds("the primitive of cos t cos(t − θ)", sympy.simplify(difference) == 0)
    product = primitive.subs(t, QUARTER_TURN) - primitive.subs(t, theta - QUARTER_TURN)
    mean = sympy.expand_trig(sympy.expand(2 * product / (2 * sympy.pi)))
    stated = (sympy.sin(theta) + (sympy.pi - theta) * sympy.cos(theta)) / (2 * sympy.pi)
    proof.holds("E relu relu", sympy.simplify(mean - stated) == 0)
    cosine = sympy.simplify(stated / HALF)
    proof.holds("θ = 0 gives E relu² = 1/2, and is fixed", cosine.subs(theta, 0) == 1)
    proof.holds("θ = π gives θ = π/2", cosine.subs(theta, sympy.pi) == 0)
    gain = sympy.sin(theta) - theta * sympy.cos(theta)
    proof.holds("it grows by this over π", sympy.simplify((cosine - sympy.cos(theta)) * sympy.pi - gain) == 0)
    proof.holds(
        "that is 0 at 0, and its derivative θ sin θ",
        gain.subs(theta, 0) == 0 and sympy.simplify(gain.diff(theta) - theta * sympy.sin(theta)) == 0,
    )
    third = HALF - sympy.acos(cosine.subs(theta, QUARTER_TURN)) / (2 * sympy.pi)
    proof.holds("layer 3 has 0.302", abs(sympy.N(third, 20) - sympy.Float("0.302")) < sympy.Float("0.0005"))


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return p, the two-layer probability on both sides, and the share of dead units."""
    p, both, share, new = sympy.symbols("p p_2 s C")
    width = sympy.IndexedBase("N")
    first, second = sympy.Integer(2) ** -width[1], sympy.Integer(2) ** -width[2]
    product = sympy.Product(1 - sympy.Integer(2) ** -width[layer], (layer, 1, L))
    kernel = (sympy.sin(theta) + (sympy.pi - theta) * sympy.cos(theta)) / sympy.pi
    return (
        ("Born dead at one input", sympy.Eq(p, 1 - product)),
        (
            "Born dead on both sides of 0, two hidden layers",
            sympy.Eq(both, 2 * first * second + (1 - 2 * first) * second**2),
        ),
        ("A unit dead at birth, normal weights", sympy.Eq(share, HALF - theta / (2 * sympy.pi))),
        ("The cosine of the next layer's angle", sympy.Eq(new, kernel)),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
