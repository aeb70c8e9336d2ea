"""Bad words on the command line, but for those that `logs.py` has."""

from tests.faults.bad_inputs import Bad

ROWS = [
    Bad("sweep everything", 2, "name: 'everything' is not allowed; it must be one of over-optimisation"),
]
