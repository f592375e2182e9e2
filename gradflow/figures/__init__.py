"""One function per kind of figure; each returns a Matplotlib figure and saves nothing."""
