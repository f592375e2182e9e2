"""The remedies that the sources name or ask for, each measured on the whole square of starts: their `table`."""
