"""Early alignment: two-layer ReLU networks from small initialisation (Min, Mallada, Vidal, arXiv:2307.12851).

f(x) = Σ_j v_j relu(w_j·x) without biases, trained on the sum (or mean) of an exponential, logistic or
squared loss. relu′(0) = 0, and a neuron that is active on no input stays dead.
"""
