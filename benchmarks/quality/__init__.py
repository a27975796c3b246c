"""Parts of the quality benchmark: a world in memory, baselines beside ours, the ceiling, the counts, the tables."""
