"""The algebra, in SymPy. Never imported when simulating."""
