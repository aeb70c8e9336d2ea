"""The language model, its reward and value heads, and sampling.

Whoever loads this room makes tensors, so from here on they are made on the chosen device.
"""

from rlhf_lessons import devices

devices.use()
