"""One file a program: what each is asked to do, in its best form.

Every public function sets the work up (compiling included) and returns a function without arguments that
does it once and returns the answer as a NumPy array.
"""
