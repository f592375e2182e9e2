"""The flow in compiled code: its step recorded from the ensemble's, its driver in scalar code."""
