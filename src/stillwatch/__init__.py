"""Stillwatch: find the network behind many ordinary-looking accounts, and spare the innocent.

The stages, in the order in which data flows (a stage imports only stages above it)::

    sources -> warehouse -> signals -> graph -> clusters -> detector -> cases -> evidence -> pipeline -> ui
"""

__version__ = "0.1.0"
