"""The sentences of seed document 003 that no run here can test, and why."""

UNTESTABLE: tuple[tuple[str, str], ...] = (
    (
        "Dying ReLU: neurons with ReLU activation become permanently stuck at zero output. Also called 'dead neurons'.",
        "The definition itself; what it asserts (permanent) is claim depth.never-recovers.",
    ),
    (
        "ReLU is a one-way door: ReLU(x) = max(0, x). When x > 0 the gradient is 1, when x < 0 it is exactly 0.",
        "The activation's definition (at x = 0 the lower slope is taken, as everywhere here).",
    ),
    (
        "MLP training: the most direct setting; motivates GELU/SiLU as the modern default.",
        "A motive, not a measurement; what deep networks lose is in depth.20-40-percent and depth.plateau.",
    ),
    (
        "GANs: the discriminator can suffer from dying ReLU, especially with aggressive learning rates.",
        "No adversarial training here.",
    ),
    (
        "Q-learning: Q-networks can gradually lose active neurons over long training runs.",
        "No reinforcement learning here: its targets move, those of the tasks here do not.",
    ),
    (
        "The dying ReLU problem was observed empirically soon after ReLU became the standard activation (around 2011-2012).",
        "History.",
    ),
    ("Maas et al. (2013) proposed Leaky ReLU as a direct fix.", "History."),
    (
        "ReLU remained the default for years due to its simplicity and the fact that dying neurons don't prevent training.",
        "History and motives; the last part is claim depth.trains-on.",
    ),
    (
        "The shift to smooth alternatives (GELU in BERT/GPT, SiLU/Swish in EfficientNet, SwiGLU in LLaMA) was motivated by dying "
        "ReLU and by the observation that smooth activations train slightly better in practice.",
        "Motives; 'slightly better' on those models is out of reach here (losses on small tasks: depth.smooth).",
    ),
)
