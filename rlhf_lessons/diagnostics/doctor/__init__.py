"""Examining a reward model: measures, probes, causes and their checks, symptoms, and a bank of planted faults."""
