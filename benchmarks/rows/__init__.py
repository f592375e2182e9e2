"""One file a family of rows: what is measured, how answers are compared, what the table says."""
