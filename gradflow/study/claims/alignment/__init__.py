"""Min, Mallada, Vidal, "Early neuron alignment in two-layer ReLU networks" (arXiv:2307.12851): its `table` and its checks."""
