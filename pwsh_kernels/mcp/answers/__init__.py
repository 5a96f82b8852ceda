"""What a model reads: the results of tools, excerpts of output, refusals, questions."""
