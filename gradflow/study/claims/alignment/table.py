"""Claims of "Early neuron alignment in two-layer ReLU networks" (Min, Mallada, Vidal, arXiv:2307.12851), what a
summary of it asks, and its neighbours."""

from gradflow.study.claims.alignment import (
    experiments,
    images,
    neighbours,
    questions,
    rank,
    scales,
    signatures,
    theorem,
)
from gradflow.study.claims.ledger import rows

TITLE = "Early neuron alignment in two-layer ReLU networks"

THEORY = f"{TITLE}, theory"
SUMMARY = f"{TITLE}, summary"
EXPERIMENTS = f"{TITLE}, experiments"

CLAIMS = (
    *rows(
        ("align.monotone", THEORY, "A neuron with v > 0 only gains positive and only loses negative data; each boundary is crossed at most once, so there are at most n changes.", theorem.along_flows, theorem.MONOTONE),
        ("align.trapping", THEORY, "S₊ and S_dead are trapping regions for neurons with v > 0, S₋ and S_dead for v < 0.", theorem.along_flows, theorem.TRAPPED),
        ("align.lemmas", THEORY, "Before T norms and outputs stay small, and directions move as in the limit of zero outputs.", theorem.along_flows, theorem.LEMMAS),
        ("align.time", THEORY, "Within t1 = 16 log n/(min(ζ, ξ) √μ X_min) all neurons are in S₊ or S₋ of their sign, or dead.", theorem.time_bound),
        ("align.dwell", THEORY, "A neuron stays in one pattern for at most 4/(min(ζ, ξ) √μ X_min n_a).", theorem.along_flows, theorem.DWELL),
        ("align.rate", THEORY, "After alignment the loss converges to 0 at the rate 1/t, with α = (μ X_min)²/(32 X_max).", theorem.after),
        ("align.growth", THEORY, "The neurons have grown by t2 = Θ((1/n) log(1/(√h ε))) after which the loss falls.", theorem.along_flows, theorem.GROWTH),
        ("align.rank", THEORY, "After alignment W is approximately low-rank: limsup ‖W‖_F²/‖W‖_2² <= 2.", theorem.along_flows, theorem.RANK),
        ("align.rank-limit", THEORY, "After alignment limsup ‖W‖_F²/‖W‖_2² <= 2: which limit is it?", rank.limit_of_rank),
        ("align.hypotheses", SUMMARY, "Which of this fails first when a hypothesis is broken on purpose?", theorem.broken),
        ("align.zeta", THEORY, "ζ = max{ζ1, ζ2}, and 4 in the first bound on ε.", theorem.slips),
        runs="theorem",
    ),
    *rows(
        ("align.toy", EXPERIMENTS, "On points of the unit circle, positive ones within ±15° and negative ones at 133° to 157°, the loss is 1.00, 1.00 and 5.31e-2 after 0, 7000 and 21000 iterations.", experiments.toy),
        ("align.two-drops", EXPERIMENTS, "The loss on the toy data falls in two sharp drops.", experiments.two_drops),
        ("align.near-orthogonal", EXPERIMENTS, "Two positive points at 90° − δ: losses after 7000 and 21000 iterations for δ = 0.1, 0.001 and 0.", experiments.near_orthogonal),
        ("align.balanced-experiments", SUMMARY, "The experiments use small random weights and a balanced initialisation.", experiments.not_balanced),
        ("align.two-phases", SUMMARY, "Neurons don't change magnitude much during early training, but their directions evolve to align with data.", experiments.two_phases),
        runs="plane",
    ),
    *rows(
        ("align.mnist", EXPERIMENTS, "On MNIST's zeros and ones the neurons are aligned with x₊ or x₋ after about 2000 iterations, and after about 3000 the norms grow and the loss drops.", images.mnist),
        ("align.mnist-assumption", SUMMARY, "The data are well separated, with a correlation structure as in Assumption 1, after the mean image is subtracted.", images.assumption),
        ("align.mnist-rank", EXPERIMENTS, "The stable rank falls below 2, towards 1.", images.low_rank),
        ("align.sgd", EXPERIMENTS, "The two phases are seen under SGD as well.", images.stochastic),
        ("align.frozen", EXPERIMENTS, "There are no two phases when v is frozen at ±1.", images.frozen_outputs),
        ("align.harder", SUMMARY, "The alignment is robust beyond MNIST, on a harder pair.", images.harder),
        runs="images",
    ),
    *rows(
        ("align.scaling", SUMMARY, "Alignment takes a time of O(log n/√μ): the scaling on data of controlled correlation.", questions.exponents),
        ("align.violations", SUMMARY, "How does alignment change when the data do not satisfy Assumption 1?", questions.violated),
    ),
    *rows(
        ("align.epsilon", SUMMARY, "How does t1 depend on the initialisation scale ε? (The bound on t1 does not contain it.)", scales.epsilon),
        ("align.breakdown", SUMMARY, "Alignment needs a small start; the summary says ε = O(1/√h).", scales.breakdown),
        ("align.gd", SUMMARY, "What happens to the alignment phase under gradient descent instead of the flow?", scales.gd),
        runs="scales",
    ),
    *rows(
        ("align.plateau", SUMMARY, "A loss that plateaus early may indicate poor data separation or too large an initialisation.", signatures.plateau),
        ("align.slow-loss", SUMMARY, "A loss that decreases slowly after alignment may indicate insufficient neurons in S₊ and S₋.", signatures.slow_loss),
        ("align.unbalanced", SUMMARY, "Neurons that do not align could mean that the initialisation is unbalanced.", signatures.unbalanced),
        ("align.spurious", "Boursier, Flammarion, arXiv:2401.10791", "On x = (−0.75, −0.5, 0.125), y = (1.1, 0.1, 0.8), with biases, small balanced networks of any width end at the linear fit, not at loss 0.", neighbours.spurious),
        ("align.saddles", "Boursier, Pillaud-Vivien, Flammarion, arXiv:2206.00939", "For orthogonal inputs the flow goes from saddle to saddle; the escape times are about ln(1/λ)/‖D±‖.", neighbours.saddles),
        ("align.one-teacher", "Chistikov, Englert, Lazić, arXiv:2306.06479", "Learning one ReLU neuron from small balanced initialisation: the limit is rank one, and the error falls as exp(−rate t) with a rate that does not depend on λ.", neighbours.one_teacher),
        ("align.extrema", "Maennel, Bousquet, Gelly, arXiv:1803.08367", "From small initialisation the directions converge to extrema of Σ y_i relu(⟨x_i, u⟩) on the sphere.", neighbours.extrema),
    ),
)  # fmt: skip
"""A row a claim: its id, where it stands, what is said there, the checker and its parameters."""

UNTESTABLE = (
    ("MNIST digits 3 against 8: aligned after about 5000 iterations.", "No images of 3 and 8 come with gradflow; `gradflow align --data FILE.npz` runs them for whoever has them."),
    ("Apply the methodology to more challenging classification tasks (e.g., CIFAR-10 binary subsets).", "No colour images come with gradflow; a harder pair of grey ones is claim align.harder."),
    ("Design tradeoffs: larger h increases the probability of achieving convergence but adds computational cost.", "Cost is no claim about training; that S₊ and S₋ must both be occupied, which larger h makes likelier, is a hypothesis of align.rate."),
    ("Initialisation must be small enough for the alignment phase but not so small that training is impractical.", "No threshold is named; the time to fit grows as log(1/ε) (align.epsilon, align.saddles)."),
    ("Equation (2) of the paper, without its minus sign.", "A misprint: the flow descends. Derivation 22 (1) has the equations with their signs."),
    ("The main text's logistic loss, log(1 + exp(−y f)) without the factor 2.", "The proofs need the 2, for a pull of 1 at f = 0 (losses.LOGISTIC has it); without it all times are twice as long."),
    ("Balanced initialisation is preserved; the network decomposes into two linear ones, L = L₊ + L₋.", "Proved (derivations 22 (1) and 25 (1)) and checked along every flow of align.monotone and align.rate."),
    ("Break conditions: the number of neurons h becomes very small; S_dead contains all neurons.", "Both mean that S₊ or S₋ is empty: then the loss of that label stays, by definition."),
    ("The requirement of an extremely small initialisation could be practically limiting.", "A matter of taste; how small is proved, and how small is enough here, is in align.time and align.breakdown."),
    ("Confidence: early alignment mechanism high, O(log n/√μ) convergence time medium, O(1/t) convergence and low-rank bias medium.", "An opinion; what the three rest on is in align.monotone, align.time and align.scaling, align.rate and align.rank."),
)  # fmt: skip
"""Its sentences that no computation can decide, with the reason."""
