"""Claims of "Training dynamics of a single ReLU neuron" (Ziming Liu, blog post, 2026-01-03), and who checks it."""

from gradflow.study.claims.ledger import rows
from gradflow.study.claims.single_neuron import (
    observation0,
    observation1,
    observation2,
    observation3,
    practices,
    questions,
    spiking,
)

TITLE = "Training dynamics of a single ReLU neuron"

ZERO = f"{TITLE}, Observation 0"
ZERO_ASKS = f"{TITLE}, Observation 0: questions it raises"
ONE = f"{TITLE}, Observation 1"
ONE_ASKS = f"{TITLE}, Observation 1: questions it raises"
TWO = f"{TITLE}, Observation 2"
TWO_ASKS = f"{TITLE}, Observation 2: questions it raises"
THREE = f"{TITLE}, Observation 3"
QUESTION_1 = f"{TITLE}, Question 1"
QUESTION_2 = f"{TITLE}, Question 2"
PRACTICES = f"{TITLE}, Observation 1: practices"

CLAIMS = (
    *rows(
        ("obs0.hyperactive", ZERO, "When b1 > 1 the neuron is initialized hyperactive and the loss gets stuck around 0.02 (linear regression).", observation0.hyperactive_start),
        ("obs0.dead", ZERO, "When b1 < -1 the neuron is initialized dead and the loss gets stuck around 0.1 (a constant).", observation0.dead_start),
        ("obs0.thresholds", ZERO_ASKS, "The outcome changes where the initial activity does: at b1 = -1 and b1 = 1.", observation0.thresholds),
        ("obs1.works", ONE, "When b2 = -1.1 the loss can go to zero.", observation1.small_bias_works),
        ("obs1.stuck", ONE, "When b2 = -1.2 the loss gets stuck around 0.02.", observation1.large_bias_is_stuck),
        ("obs1.figure", ONE, "The loss curves of the post's figure.", observation1.loss_figure),
        ("obs1.kink", ONE, "The turning point -b1/w1 moves left from 0; past -1 the neuron is hyperactive.", observation1.breakpoint_moves_left),
        ("obs1.line", ONE, "The local minimum for b2 = -1.2 is the linear regression solution.", observation1.limit_is_regression_line),
        ("obs1.teacher", ONE, "Conversely, if we increase the bias of the target function, the neuron also becomes hyperactive.", observation1.teacher_bias),
        ("obs1.threshold", ONE_ASKS, "The threshold in b2 lies between -1.2 and -1.1.", observation1.thresholds),
        ("obs1.large-b2", ONE, "Large |b2| can kill the neuron.", observation1.large_positive_bias),
        ("obs2.lr-0.2", TWO, "When LR = 0.2 the loss can be optimized to zero.", observation2.rate_that_works),
        ("obs2.lr-0.4", TWO, "When LR = 0.4 the loss only reaches 0.1, because the neuron becomes dead.", observation2.rate_that_kills),
        ("obs2.between", TWO_ASKS, "Too large a learning rate kills the neuron: which rates do?", observation2.rates_between),
        ("obs2.gd", TWO_ASKS, "Too large a learning rate kills the neuron under GD as well.", observation2.gradient_descent),
        ("obs2.frozen", TWO, "Once dead, neurons are hard (or impossible) to bring back.", observation2.once_dead_frozen),
    ),
    *rows(
        ("obs3.recovers", THREE, "For SiLU the loss can eventually reach zero (up to machine precision).", observation3.recovers),
        ("obs3.saddle", THREE, "Training gets stuck at saddle points.", observation3.saddle),
        ("obs3.waiting", THREE, "It is stuck for a very long time.", observation3.waiting),
        ("obs3.spikes", THREE, "The figure's loss spikes periodically from step 13 000 on.", spiking.spiking),
        runs="silu",
    ),
    *rows(
        ("q1.solved", QUESTION_1, "Can we analytically compute the bias instead of learning it via gradient descent?", questions.solved),
        ("q1.parametrisation", QUESTION_1, "Writing w(x + b') may allow us to control neuron activity more directly, e.g. by weight decay on b' or explicit balancing.", questions.parametrisation),
        ("q2.silu-better", QUESTION_2, "SiLU is better than ReLU.", questions.silu),
        ("q2.something-better", QUESTION_2, "Is there something better, gating?", questions.something_better),
        ("practice.model-bias", PRACTICES, "Bias dynamics can drive neurons away from the balanced state: disabling bias terms keeps them there.", practices.model_bias),
        ("practice.data-bias", PRACTICES, "Data bias drives neurons away from the balanced state: whitening inputs and normalising representations helps them to stay there.", practices.data_bias),
    ),
)  # fmt: skip
"""A row a claim: its id, where it stands, what is said there, the checker and its parameters."""

UNTESTABLE = (
    ("Our ultimate goal is to gain insights relevant to LLM training: LR warmup, LR decay, weight decay and MoE balancing may implicitly control neuron activity levels.", "A goal and an intuition about language models; what decay and rates do to one neuron is in q1.parametrisation and obs2."),
    ("In some LLM training setups, bias terms are disabled. Whitening inputs and normalizing intermediate representations are common practices.", "What others do; what it does to one neuron is in practice.model-bias and practice.data-bias."),
    ("This might be why we have various ugly tricks for LLM (learning rate schedule, weight decay, etc).", "A conjecture on motives. (That a neuron which has left the balanced state hardly returns is theory.irreversibility.)"),
)  # fmt: skip
"""Its sentences that no computation can decide, with the reason."""
