"""Experiments that take longer than a lesson: many reward models, many policies, and what they kept."""
