"""Claims of the note "Dying ReLU" on deep networks, sentence by sentence; and who is born dead."""

from gradflow.study.claims.depth import birth, capacity, causes, door, fixes, spread
from gradflow.study.claims.ledger import rows

TITLE = "Dying ReLU"

ASKED = "Asked here"

CLAIMS = (
    *rows(
        ("depth.one-way-door", TITLE, "If Wx + b < 0 for every input in the training set, the gradient is zero for every training example; zero gradient means zero weight update, which means the neuron stays dead permanently.", door.one_way_door),
        ("depth.never-recovers", TITLE, "Once dead, a ReLU neuron produces zero gradient and can never recover: it is removed from the network forever.", door.never_recover),
        ("depth.comes-down", TITLE, "Once the fraction starts climbing, it doesn't come back down.", door.comes_down),
        ("depth.norms-stop", TITLE, "Weight norms for dead neurons stop changing entirely (zero gradient = zero update).", door.norms_stop),
        ("depth.statistic", TITLE, "A growing fraction of neurons output exactly 0.0 for every input in a batch: track (activations == 0).float().mean() per layer.", door.statistic),
        ("depth.sudden", TITLE, "This can happen suddenly: a single large gradient update can push a neuron into permanent zero territory. Learning rates that are too high make this more likely.", causes.sudden),
        ("depth.gradual", TITLE, "It can also happen gradually through the accumulation of small updates that slowly shift the neuron's operating point into negative territory.", causes.gradual),
        ("depth.rate", TITLE, "The problem scales with the learning rate: more common with high learning rates.", causes.rate),
        ("depth.early", TITLE, "More common in early training when the optimiser makes large steps.", causes.early),
        ("depth.depth", TITLE, "The problem scales with network depth.", spread.depth),
        ("depth.20-40-percent", TITLE, "In a deep network, a large fraction of neurons can die early in training (sometimes 20-40%).", spread.twenty_to_forty),
        ("depth.width", ASKED, "At every width 20-40% of the units of a deep network are dead after training.", spread.width),
        ("depth.plateau", TITLE, "Training loss plateaus at a value higher than expected, as effective model capacity has been reduced.", capacity.plateau),
        ("depth.trains-on", TITLE, "The network still trains, but with fewer parameters than intended; dying neurons don't prevent training, they just reduce capacity.", capacity.trains_on),
        ("depth.leaky", TITLE, "Leaky ReLU: a small negative slope (0.01x for x < 0) ensures the gradient is never exactly zero.", fixes.leaky),
        ("depth.smooth", TITLE, "GELU / SiLU: smooth approximation to ReLU with non-zero gradient everywhere.", fixes.smooth),
        ("depth.he", TITLE, "Proper initialisation: He initialisation keeps activations in a good range at the start of training.", fixes.he),
        ("depth.low-rate", TITLE, "Lower learning rate: prevents the large early updates that push neurons into permanently negative territory.", fixes.low_rate),
        ("depth.warm-up", TITLE, "Warm-up: prevents the large early updates that push neurons into permanently negative territory.", fixes.helps, "warm", fixes.WARM),
        ("depth.batch-norm", TITLE, "Batch normalisation: re-centres activations, making it harder for an entire neuron to be stuck negative.", fixes.helps, "norm", fixes.NORMAL),
        runs="depth",
    ),
    *rows(
        ("depth.born-dead", ASKED, "A deep narrow ReLU network is born dead with probability at most 1 - prod(1 - 2^-N): for ten layers under 1% at width 10, over 10% at width 5, about 60% at width 3.", birth.born_dead),
        ("depth.rai", ASKED, "Randomised asymmetric initialisation makes a network less likely to be born dead.", birth.asymmetric),
    ),
)  # fmt: skip
"""A row a claim: its id, where it stands, what is said there, the checker and its parameters."""

UNTESTABLE = (
    ("Dying ReLU: neurons with ReLU activation become permanently stuck at zero output. Also called 'dead neurons'.", "The definition itself; what it asserts (permanent) is claim depth.never-recovers."),
    ("ReLU is a one-way door: ReLU(x) = max(0, x). When x > 0 the gradient is 1, when x < 0 it is exactly 0.", "The activation's definition (at x = 0 the lower slope is taken, as everywhere here)."),
    ("MLP training: the most direct setting; motivates GELU/SiLU as the modern default.", "A motive, not a measurement; what deep networks lose is in depth.20-40-percent and depth.plateau."),
    ("GANs: the discriminator can suffer from dying ReLU, especially with aggressive learning rates.", "No adversarial training here."),
    ("Q-learning: Q-networks can gradually lose active neurons over long training runs.", "No reinforcement learning here: its targets move, those of the tasks here do not."),
    ("The dying ReLU problem was observed empirically soon after ReLU became the standard activation (around 2011-2012).", "History."),
    ("Maas et al. (2013) proposed Leaky ReLU as a direct fix.", "History."),
    ("ReLU remained the default for years due to its simplicity and the fact that dying neurons don't prevent training.", "History and motives; the last part is claim depth.trains-on."),
    ("The shift to smooth alternatives (GELU in BERT/GPT, SiLU/Swish in EfficientNet, SwiGLU in LLaMA) was motivated by dying ReLU and by the observation that smooth activations train slightly better in practice.", "Motives; 'slightly better' on those models is out of reach here (losses on small tasks: depth.smooth)."),
)  # fmt: skip
"""Its sentences that no computation can decide, with the reason."""
