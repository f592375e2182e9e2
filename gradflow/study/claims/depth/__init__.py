"""The note "Dying ReLU", on deep networks: its `table` and its checks."""
