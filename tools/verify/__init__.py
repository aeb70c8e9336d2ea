"""Remakes the figures that README and notebooks quote, and compares each with what is quoted: `make verify`."""
