"""Bad arguments to the package's functions, as a notebook or an engineer might give them."""

from tests.faults.bad_inputs import Bad

ROWS = [
    Bad(
        "ensure('nosuch')",
        "ValueError",
        "stage: 'nosuch' is not allowed; it must be one of pretrained, sft, reward, ppo",
    ),
    Bad(
        "ensure('pretrained', steps=-1)",
        "ValueError",
        "steps: -1 is not allowed; it must be a whole number from 1 to 20000",
    ),
]
