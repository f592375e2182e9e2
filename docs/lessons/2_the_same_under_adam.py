"""
The same under Adam
===================

Adam kills otherwise than gradient descent: it seldom jumps, it drifts. From a start that the gradient flow brings home, Adam
pushes the breakpoint out of the input on the other side: the neuron becomes *hyperactive*, a straight line, and stays one.
"""

import gradflow as gf

start = gf.Neuron(b2=-1.2)
problem = gf.Problem()
flow = gf.gradient_flow(start, problem)
adam = gf.train(start, problem, gf.Adam(lr=0.01), steps=5000)
print("flow:", flow.outcome_name.item(), "  Adam:", adam.outcome_name.item())

# %%
# The parameters along the run under Adam. The breakpoint passes −1, the end of the input, within some hundred steps.

figure = gf.figures.parameters(adam)
figure

# %%
# `crossings` has the step. From there on the neuron is a line on the whole input.

print(gf.crossings(adam).to_dataframe())

# %%
# Could the flow bring it back from there? A line that is too steep and too low stays one under the flow: that is a *trapping
# region*. `decide` says which theorem holds the last state, with all errors of rounding counted against it.

from gradflow.ends.decision import decide

last = gf.student(adam)
decision = decide(last, problem)
print(decision.explain())

# %%
# Where is the threshold in b₂? It is different for the flow and for Adam, and `threshold` on the command line, or `bracket`
# here, finds both. Between the two, Adam loses what the flow would have learned.

from gradflow.ends import bracket, descent_outcomes, flow_outcomes

by_flow = bracket(lambda b2: flow_outcomes(gf.Neuron(b2=b2), problem), (-2.0, -1.0), tol=1e-4)
by_adam = bracket(
    lambda b2: descent_outcomes(gf.Neuron(b2=b2), problem, gf.Adam(0.01), 5000), (-2.0, -1.0), tol=1e-2
)
print(by_flow)
print(by_adam)

# %%
# The two runs in the plane of breakpoint and output bias.

figure = gf.figures.trajectories({"flow": flow, "Adam": adam}, problem)
figure
