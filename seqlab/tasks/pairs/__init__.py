"""Tasks from one sequence to another: a source is known before the first step, an answer is written."""
