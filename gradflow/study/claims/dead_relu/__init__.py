"""The article "Learning rate and dead ReLU": its `table` and its checks."""
