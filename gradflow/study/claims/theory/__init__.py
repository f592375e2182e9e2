"""The theorems behind what the source documents observe: irreversibility, large b2, large rates.

Each check compares what a derivation predicts with training. Where they differ the claim is left open: then
the theorem, or the program, is wrong, and nothing is known of the claim. (The altered inputs of the tests do
that.)
"""

from gradflow.study.claims.theory import irreversibility, large_bias, large_rate

CLAIMS = (*irreversibility.CLAIMS, *large_bias.CLAIMS, *large_rate.CLAIMS)
