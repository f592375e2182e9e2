"""The numbers that this version computes, kept to the bit while its code is moved about.

`runs.py` has a table of runs, of everything that is computed; their results stand in the JSON files here, a
float as the shortest decimal that reads back as the same bits. `python -m tests.frozen` writes them anew and
says what has changed: after a change of code that is *meant* to change a number, never to make a test pass.

On the machine that wrote them (`platform.json`) every bit is compared. Elsewhere it cannot be: NumPy,
OpenBLAS and LLVM choose their loops by the processor, and with them the order of sums and what is fused;
libraries of exp and erf differ in the last bit from version to version; a matrix product's sums depend on the
number of threads. There all that is discrete (events, outcomes, steps, theorems, sentences) must be the
same, and floats within a tolerance (`compare.py`). So no run is long enough to be chaotic.
"""
