"""A deterministic world of people: it writes events, reacts to published decisions, and keeps its truth apart."""

from habitlake.simulator.world import SimulationSummary, simulate_nights

__all__ = ["SimulationSummary", "simulate_nights"]
