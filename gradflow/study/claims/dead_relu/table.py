"""Claims of the article "Learning rate and dead ReLU", sentence by sentence, and who checks it.

Where the text contradicts itself the finding gives the arithmetic; what it leaves out (inputs, loss,
optimiser, the network around the neuron) is fixed in `gradflow.study.claims.dead_relu.settings`.
"""

from gradflow.study.claims.dead_relu import example, neuron, summary, upstream
from gradflow.study.claims.ledger import rows

TITLE = "Learning rate and dead ReLU"

WHAT = f"{TITLE}, What is a dead ReLU"
BIAS = f"{TITLE}, Bias parameters"
WHY = f"{TITLE}, Why the learning rate matters"
LAYERS = f"{TITLE}, Upstream layers"
EXAMPLE = f"{TITLE}, Example"
CASE_1 = f"{TITLE}, Example, case 1"
CASE_2 = f"{TITLE}, Example, case 2"
SUMMARY = f"{TITLE}, Summary"

CLAIMS = (
    *rows(
        ("dead.zero-output", WHAT, "A dead neuron outputs zero for all inputs and thus stops learning.", neuron.zero_output),
        ("dead.updates-stop", WHAT, "It becomes dead when z < 0 for all inputs and the gradient through the activation becomes zero, stopping weight updates.", neuron.updates_stop),
        ("dead.recovers", WHAT, "In practice, dead ReLUs sometimes recover during training.", neuron.recovers, neuron.BY_WHAT_ELSE),
        ("dead.rate-matters", WHAT, "A key factor that influences whether a dead ReLU can recover, and one important reason, is the learning rate.", neuron.rate_matters),
        ("dead.bias-earlier", BIAS, "The bias may still receive gradient contributions from earlier steps.", neuron.bias_earlier),
        ("dead.bias-upstream", BIAS, "The bias may still receive gradient contributions from interactions with upstream gradients.", neuron.bias_upstream),
        ("dead.amplifies", BIAS, "A larger learning rate amplifies these small updates, allowing the neuron to move out of the non-active region.", neuron.amplifies),
        ("dead.surroundings", WHY, "Even though the gradient through a dead ReLU is zero at the moment, the weights and inputs surrounding it continue to change during training.", upstream.surroundings),
        ("dead.rate-sets-size", WHY, "The learning rate determines the magnitude of these changes.", upstream.rate_sets_size),
        ("dead.small-never", WHY, "If the learning rate is extremely small, the neuron never reactivates and the gradient remains zero indefinitely.", upstream.small_never),
        ("dead.large-crosses", WHY, "A larger learning rate can shift the weights, the bias, or the upstream inputs x enough for z to cross from negative to positive.", upstream.large_crosses),
        ("dead.input-evolves", LAYERS, "z depends on the input x, which continues to evolve during training as upstream layers update.", upstream.input_evolves),
        ("dead.small-minimal", LAYERS, "With a small learning rate, changes in upstream layers are minimal.", upstream.small_minimal),
        ("dead.large-likely", LAYERS, "With a larger rate, upstream representations shift more, making it more likely that the neuron encounters inputs where z > 0.", upstream.large_likely),
        ("dead.example-dead", EXAMPLE, "With z = 0.1x - 0.5, initially z < 0 for all reasonable inputs x: the neuron is effectively dead.", example.is_dead),
        ("dead.case1-bias", CASE_1, "At rate 0.0001 the bias goes -0.5000, -0.4999, -0.4998.", example.case1_bias),
        ("dead.case1-negligible", CASE_1, "Even after 10,000 steps, the shift is negligible.", example.case1_negligible),
        ("dead.case1-never", CASE_1, "z remains negative; the neuron never activates.", example.case1_never),
        ("dead.case2-bias", CASE_2, "At rate 0.01 the same gradient magnitude produces much larger updates: -0.50, -0.30, -0.10, 0.05.", example.case2_bias),
        ("dead.case2-threshold", CASE_2, "Once the bias crosses -0.1, some values of x produce z > 0.", example.case2_threshold),
        ("dead.case2-resumes", CASE_2, "The ReLU activates, the gradient is no longer zero, the neuron resumes learning.", example.case2_resumes),
        ("dead.demonstrates", CASE_2, "The learning rate controls how quickly a ReLU neuron can move out of the negative region and re-enter active gradient flow.", example.demonstrates),
        ("dead.reversible", SUMMARY, "A dead ReLU is not always irreversibly dead.", neuron.recovers, neuron.NOT_ALWAYS),
        ("dead.rate-decides", SUMMARY, "The learning rate plays a critical role in determining whether the neuron remains inactive or eventually reactivates.", summary.rate_decides),
        ("dead.small-unlikely", SUMMARY, "Very small learning rates produce minimal parameter updates, making it unlikely for a negative pre-activation value to become positive.", summary.small_unlikely),
        ("dead.moderate", SUMMARY, "Moderate learning rates enable parameter and input-distribution shifts large enough to push the neuron back into active territory.", summary.moderate),
        ("dead.no-guarantee", SUMMARY, "Adjusting the learning rate does not guarantee recovery.", summary.no_guarantee),
        ("dead.key-mechanism", SUMMARY, "The learning rate is one of the key mechanisms through which a dead ReLU can return to life.", summary.key_mechanism),
    ),
)  # fmt: skip
"""A row a claim: its id, where it stands, what is said there, the checker and its parameters."""

UNTESTABLE = (
    ("ReLU is one of the most widely used activation functions in modern deep learning due to its simplicity and effectiveness.", "About usage and its reasons; nothing to compute."),
    ("A common issue is the dead ReLU problem.", "How common depends on networks and data that the article does not name."),
    ("A key, often overlooked factor is the learning rate.", "'Often overlooked' is about people; that it is a factor is dead.rate-matters."),
    ("Because ReLU's derivative is zero for negative values, a dead ReLU seems permanently inactive.", "About what seems; whether it is so is dead.recovers."),
    ("This article explains why learning rate matters, how it interacts with gradients and upstream layers, and provides a concrete numerical example.", "Announces the text; the example is dead.example-dead to dead.demonstrates."),
    ("Assume gradient updates change the bias very slowly.", "An assumption of the example, which contradicts its gradient of 0: see dead.case1-bias."),
)  # fmt: skip
"""Its sentences that no computation can decide, with the reason."""
