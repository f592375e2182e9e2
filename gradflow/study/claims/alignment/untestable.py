"""The sentences of seed document 002 that no run here can test, and why."""

UNTESTABLE: tuple[tuple[str, str], ...] = (
    (
        "MNIST digits 3 against 8: aligned after about 5000 iterations.",
        "No images of 3 and 8 come with gradflow; `gradflow align --data FILE.npz` runs them for whoever has them.",
    ),
    (
        "Apply the methodology to more challenging classification tasks (e.g., CIFAR-10 binary subsets).",
        "No colour images come with gradflow; a harder pair of grey ones is claim align.harder.",
    ),
    (
        "Design tradeoffs: larger h increases the probability of achieving convergence but adds computational cost.",
        "Cost is no claim about training; that S₊ and S₋ must both be occupied, which larger h makes likelier, is a hypothesis of align.rate.",
    ),
    (
        "Initialisation must be small enough for the alignment phase but not so small that training is impractical.",
        "No threshold is named; the time to fit grows as log(1/ε) (align.epsilon, align.saddles).",
    ),
    (
        "Equation (2) of the paper, without its minus sign.",
        "A misprint: the flow descends. Derivation 22 (1) has the equations with their signs.",
    ),
    (
        "The main text's logistic loss, log(1 + exp(−y f)) without the factor 2.",
        "The proofs need the 2, for a pull of 1 at f = 0 (losses.LOGISTIC has it); without it all times are twice as long.",
    ),
    (
        "Balanced initialisation is preserved; the network decomposes into two linear ones, L = L₊ + L₋.",
        "Proved (derivations 22 (1) and 25 (1)) and checked along every flow of align.monotone and align.rate.",
    ),
    (
        "Break conditions: the number of neurons h becomes very small; S_dead contains all neurons.",
        "Both mean that S₊ or S₋ is empty: then the loss of that label stays, by definition.",
    ),
    (
        "The requirement of an extremely small initialisation could be practically limiting.",
        "A matter of taste; how small is proved, and how small is enough here, is in align.time and align.breakdown.",
    ),
    (
        "Confidence: early alignment mechanism high, O(log n/√μ) convergence time medium, O(1/t) convergence and low-rank bias medium.",
        "An opinion; what the three rest on is in align.monotone, align.time and align.scaling, align.rate and align.rank.",
    ),
)
