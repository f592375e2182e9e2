"""
Three ends of one neuron
========================

From w1 = w2 = 1, b1 = 0 the output bias b2 alone decides where the gradient flow ends: at the
teacher (loss 0) or at the best line (loss 1/48). A dead neuron ends at the best constant (5/48).
Each is an exact number of the default problem.
"""

import gradflow as gf
from gradflow.field.baselines import best_constant, best_line

problem = gf.Problem()
line, constant = float(best_line(problem).loss), float(best_constant(problem).loss)
print(f"best line {line:.6f} = 1/48, best constant {constant:.6f} = 5/48")

# %%
# One run each: a start that goes home, one that becomes a line, and one that is dead from the
# beginning. A dead neuron has no gradient but for b2, so all it can learn is a constant.

runs = {
    "b2 = −1": gf.gradient_flow(gf.Neuron(b2=-1.0), t_end=60.0),
    "b2 = −2": gf.gradient_flow(gf.Neuron(b2=-2.0), t_end=60.0),
    "dead": gf.gradient_flow(gf.Neuron(b1=-1.5, b2=-1.0), t_end=60.0),
}
for name, run in runs.items():
    print(name, "->", run.outcome_name.item(), "by", run.decided_by_name.item())

# %%

figure = gf.figures.loss(runs, levels={"best line": line, "best constant": constant})
figure
