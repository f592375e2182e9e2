"""The ground of every part: arrays, checks, error-free arithmetic, files, tasks; nothing about neurons."""
