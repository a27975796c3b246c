"""The only place that wires stages together, one module a job.

``ingest`` source -> warehouse; ``detect`` warehouse -> published run; ``learn`` labels + run -> detector;
``bundle`` campaign -> signed evidence; ``doctor`` is everything in order.
"""
