"""gradflow: what training does to a ReLU neuron, and why."""

__version__ = "0.1.0"
