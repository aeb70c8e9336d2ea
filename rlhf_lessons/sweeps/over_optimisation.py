"""The sweep behind notebooks 06 and 07: PPO against reward models of all qualities, and what each cure does.

`rlhf-lessons sweep over-optimisation` runs it and keeps its results beside this file, where the notebooks find them.
"""

from collections.abc import Mapping

from rlhf_lessons.sweeps.policy_runs import Condition
from rlhf_lessons.sweeps.reward_models import Recipe

SEEDS = (0, 1, 2, 3, 4)
COURSE = {"rollout_size": 256, "minibatch_size": 128}  # the course's own PPO
EAGER = {"kl_coef": 0.0, "learning_rate": 5e-4}  # no price on distance, and long steps
PRICED = EAGER | {"kl_coef": 0.5}

SMALL = {"epochs": 10}  # as `pairs_200` is trained
CURATED = Recipe(2000, sampled_share=0.0)  # knows the textbook, and has never seen the policy's own answers
UNCURED = Condition("pairs_200", EAGER, collects=200)
SHIFTED = Condition(CURATED, EAGER, collects=1000)

CONDITIONS: Mapping[str, Condition] = {
    # who scores? The course's own PPO against each reward model
    "broken": Condition("broken", COURSE),
    "pairs_20": Condition("pairs_20", COURSE),
    "pairs_200": Condition("pairs_200", COURSE),
    "pairs_2000": Condition("pairs_2000", COURSE),
    "full": Condition("full", COURSE),
    "gold": Condition("gold", COURSE),
    # nothing holds the policy
    "pairs_20, no price": Condition("pairs_20", EAGER),
    "pairs_200, no price": UNCURED,
    "pairs_2000, no price": Condition("pairs_2000", EAGER),
    "full, no price": Condition("full", EAGER),
    "gold, no price": Condition("gold", EAGER),
    "pairs_20, strong price": Condition("pairs_20", PRICED),
    # cures for 200 pairs without a price
    "strong price": Condition("pairs_200", PRICED),
    "adaptive price": Condition(
        "pairs_200", EAGER | {"kl_coef": 0.05, "adaptive_kl": True, "kl_target": 2.0, "kl_horizon": 200}
    ),
    "stop at KL 2": Condition("pairs_200", EAGER, kl_limit=2.0),
    "200 more pairs": Condition(Recipe(400, training=SMALL), EAGER),
    "200 pairs of the policy": Condition(Recipe(200, training=SMALL), EAGER, after=UNCURED),
    "centred": Condition(Recipe(200, training=SMALL | {"center_coef": 0.01}), EAGER),
    "ensemble, mean": Condition(Recipe(200, members=4, how="mean", training=SMALL), EAGER),
    "ensemble, worst": Condition(Recipe(200, members=4, how="worst", training=SMALL), EAGER),
    "ensemble, uncertainty": Condition(Recipe(200, members=4, how="uncertainty", training=SMALL), EAGER),
    # the three challenges, with pairs_20 above as the first
    "shifted": SHIFTED,
    "shifted, 1000 more pairs": Condition(Recipe(3000, sampled_share=0.0), EAGER),
    "shifted, 1000 pairs of the policy": Condition(CURATED, EAGER, after=SHIFTED),
    "collapse": Condition("broken", EAGER | {"learning_rate": 3e-3}),
    # one more healthy run a seed, for the alarms' false-alarm rate
    "full, kl_coef 0.2": Condition("full", {"kl_coef": 0.2}),
}
