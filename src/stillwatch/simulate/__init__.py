"""A seeded simulator of provider telemetry: campaigns, innocent look-alikes and ordinary people.

It stands alone: it writes contract tables (with ``truth``) and knows nothing of detection; detection cannot import it.
"""

from stillwatch.simulate.run import SimulationReport, simulate
from stillwatch.simulate.scenarios import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Scenario", "SimulationReport", "simulate"]
