"""Examining a reward model: measures, probes, checks, symptoms, and a bank of planted faults."""
