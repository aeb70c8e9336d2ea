"""The sweep behind notebooks 06 and 07: PPO against reward models of all qualities, and what each cure does.

`rlhf-lessons sweep over-optimisation` runs it and keeps its results in the package, where the notebooks find them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from rlhf_lessons.keys import Key
from rlhf_lessons.sweeps import executor, kept, selection
from rlhf_lessons.sweeps.examinations import examination_key
from rlhf_lessons.sweeps.policy_runs import (
    VIEWS,
    Condition,
    PolicyRun,
    examined,
    judge_key,
    policy_run,
    run_key,
)
from rlhf_lessons.sweeps.results import by_policy, tagged
from rlhf_lessons.sweeps.reward_models import Recipe, annotators_of

NAME = "over_optimisation"
SEEN_SEEDS = (0, 1)  # in sight, on tuning cases, while the settings of this world were chosen
FRESH_SEEDS = tuple(range(2, 10))  # run once, after all of that was fixed
SEEDS = (*SEEN_SEEDS, *FRESH_SEEDS)
COURSE = {"rollout_size": 256, "minibatch_size": 128, "kl_coef": 0.1}  # twice the price that suits the best of them
COURSE_PRICE = {"kl_coef": 0.05}
EAGER = {"kl_coef": 0.0, "learning_rate": 5e-4}  # no price on distance, and long steps
PRICED = EAGER | {"kl_coef": 0.5}
ADAPTIVE = EAGER | {"kl_coef": 0.05, "adaptive_kl": True, "kl_target": 2.0, "kl_horizon": 200}

SMALL = {"epochs": 10}  # as `pairs_200` is trained
UNCURED = Condition("200 pairs, no price", "pairs_200", EAGER, collects=200)
SHIFTED = Condition("shifted", Recipe(2000), COURSE_PRICE, collects=1000)

CONDITIONS: Mapping[str, Condition] = {
    # who scores? PPO as in notebook 06, but for the price, against each reward model
    "broken": Condition("broken", "broken", COURSE),
    "pairs_20": Condition("20 pairs", "pairs_20", COURSE),
    "pairs_200": Condition("200 pairs", "pairs_200", COURSE),
    "pairs_2000": Condition("2,000 pairs", "pairs_2000", COURSE),
    "full": Condition("full", "full", COURSE),
    "gold": Condition("gold", "gold", COURSE),
    "gold_course_price": Condition("gold, kl_coef 0.05", "gold", COURSE | COURSE_PRICE),  # how far the truth leads
    # nothing holds the policy
    "pairs_20_unpriced": Condition("20 pairs, no price", "pairs_20", EAGER),
    "pairs_200_unpriced": UNCURED,
    "pairs_2000_unpriced": Condition("2,000 pairs, no price", "pairs_2000", EAGER),
    "full_unpriced": Condition("full, no price", "full", EAGER),
    "gold_unpriced": Condition("gold, no price", "gold", EAGER),
    "pairs_20_strong_price": Condition("20 pairs, strong price", "pairs_20", PRICED),
    # cures for 200 pairs without a price
    "strong_price": Condition("strong price", "pairs_200", PRICED),
    "adaptive_price": Condition("adaptive price", "pairs_200", ADAPTIVE),
    "early_stop": Condition("stop at KL 2", "pairs_200", EAGER, kl_limit=2.0),
    "more_pairs": Condition("200 more pairs", Recipe(400, training=SMALL), EAGER),
    "policy_pairs": Condition("200 pairs of the policy", Recipe(200, training=SMALL), EAGER, after=UNCURED),
    "centred": Condition("centred", Recipe(200, training=SMALL | {"center_coef": 0.01}), EAGER),
    **{
        f"ensemble_{how}": Condition(f"ensemble, {how}", Recipe(200, members=4, how=how, training=SMALL), EAGER)
        for how in ("mean", "worst", "uncertainty")
    },
    # the second and third challenge; pairs_20 above is the first
    "shifted": SHIFTED,
    "shifted_more_pairs": Condition("shifted, 1000 more pairs", Recipe(3000), COURSE_PRICE),
    "shifted_policy_pairs": Condition("shifted, 1000 pairs of the policy", Recipe(2000), COURSE_PRICE, after=SHIFTED),
    # the full number of pairs, by annotators who like long answers
    "biased": Condition("biased annotators, no price", "biased", EAGER),
    "biased_priced": Condition("biased annotators", "biased", COURSE),
    "collapse": Condition("collapse", "broken", EAGER | {"learning_rate": 3e-3}),
    # more runs with a good judge, to see whether the doctor or an alarm warns of them
    "full_course_price": Condition("full, kl_coef 0.05", "full", COURSE_PRICE),
    "full_high_price": Condition("full, kl_coef 0.2", "full", {"kl_coef": 0.2}),
}
LABELS: Mapping[str, str] = {
    "pretrained": "pretrained",
    "sft": "SFT",
    **{selection.best_of(n): f"best of {n}" for n in selection.CHOSEN_OF},
    **{name: condition.label for name, condition in CONDITIONS.items()},
}
ORDER = ("broken", "pairs_20", "pairs_200", "pairs_2000", "full", "gold")
# reward model -> the condition in which nothing holds the policy to the SFT model
UNPRICED = {reward: f"{reward}_unpriced" for reward in ORDER if reward != "broken"}
LOOKED_AT = (*UNPRICED.values(), "biased")  # their looks are kept case by case
CURES = (
    "strong_price", "adaptive_price", "early_stop", "more_pairs", "policy_pairs", "centred",
    "ensemble_mean", "ensemble_worst", "ensemble_uncertainty",
)  # fmt: skip
# what the notebooks conclude, as leads in the safe share: the first condition over the second
EFFECTS: Mapping[str, tuple[str, str]] = {
    "broken program, over SFT": ("broken", "sft"),
    "20 pairs without a price, over SFT": ("pairs_20_unpriced", "sft"),
    "20 pairs with a strong price, over SFT": ("pairs_20_strong_price", "sft"),
    "20 pairs, over the broken program": ("pairs_20", "broken"),
    "200 pairs, over 20 pairs": ("pairs_200", "pairs_20"),
    "2,000 pairs, over 200 pairs": ("pairs_2000", "pairs_200"),
    "full reward model, over 2,000 pairs": ("full", "pairs_2000"),
    "full reward model, over SFT": ("full", "sft"),
    "gold at its price, over full": ("gold_course_price", "full"),
    **{f"{LABELS[cure]}, over doing nothing": (cure, "pairs_200_unpriced") for cure in CURES},
    "asking, over 200 more of the old kind": ("policy_pairs", "more_pairs"),
    "full judge, over 200 pairs, no price": ("full_unpriced", "pairs_200_unpriced"),
}


def sweep(jobs: int = 2, seeds: Iterable[int] = SEEDS, scheduler: str | None = None) -> dict[str, pd.DataFrame]:
    """Run every condition with every seed on `jobs` processes of one thread each or on the scheduler's, and keep
    the results.

    Runs that were measured before, with this code, are recalled: a sweep that was interrupted goes on. Raises
    RunError, with the run's name, for one that fails; it and Ctrl-C end the sweep at once.
    """
    seeds = list(seeds)
    with executor.workers(jobs, scheduler) as pool:
        executor.run_all(runs(seeds), pool, "runs")
    tables = collect(seeds)
    kept.write(NAME, tables, kept.label(NAME, CONDITIONS, seeds, code(), tables["seconds"].seconds.sum()))
    return tables


def runs(seeds: Sequence[int]) -> dict[str, Callable[[], object]]:
    """Name -> run, for every condition with every seed, and for best-of-n with every seed."""
    found: dict[str, Callable[[], object]] = {}
    for seed in seeds:
        found |= {f"{name}, seed {seed}": partial(run_and_examine, run, seed) for name, run in CONDITIONS.items()}
    return found | {f"best of n, seed {seed}": partial(selection.chosen_answers, seed) for seed in seeds}


def run_and_examine(condition: Condition, seed: int) -> tuple[PolicyRun, dict[str, Any]]:
    """A condition's run and the doctor's verdict on its judge, or recall them."""
    return policy_run(condition, seed), examined(condition, seed)


def collect(seeds: Iterable[int]) -> dict[str, pd.DataFrame]:
    """The remembered runs as tables.

    One for each of `VIEWS`: measures of every policy, seed and case. evaluations, records, seconds: of every run.
    examinations: the doctor's verdict on its judge. best_of_n: by reward model and n. looks (of the conditions
    `LOOKED_AT`) and looks_best_of_n: the gold score of every held-out case, a column each, at every evaluation or n.
    """
    seeds = list(seeds)
    runs = {(name, seed): policy_run(condition, seed) for name, condition in CONDITIONS.items() for seed in seeds}
    chosen = {seed: selection.chosen_answers(seed) for seed in seeds}
    policies = {key: run.views for key, run in runs.items()}
    policies |= {(name, seed): found for seed, best in chosen.items() for name, found in best["cases"].items()}
    judged = [examined(CONDITIONS[name], seed) | {"condition": name, "seed": seed} for name, seed in runs]
    unheld = {key: run for key, run in runs.items() if key[0] in LOOKED_AT}
    looks = [tagged(_by_case(run.looks, pd.DataFrame(run.evaluations)[["step"]]), *k) for k, run in unheld.items()]
    return {
        **{view: by_policy({key: found[view] for key, found in policies.items() if view in found}) for view in VIEWS},
        "evaluations": pd.concat(tagged(pd.DataFrame(run.evaluations), *key) for key, run in runs.items()),
        "records": pd.concat(tagged(run.frame, *key) for key, run in runs.items()),
        "seconds": pd.DataFrame([{"condition": n, "seed": s, "seconds": run.seconds} for (n, s), run in runs.items()]),
        "examinations": pd.DataFrame(judged),
        "best_of_n": pd.concat(pd.DataFrame(best["curves"]).assign(seed=seed) for seed, best in chosen.items()),
        "looks": pd.concat(looks),
        "looks_best_of_n": pd.concat(
            _by_case(best["looks"], pd.DataFrame(best["curves"])[["reward", "n"]]).assign(seed=seed)
            for seed, best in chosen.items()
        ),
    }


def code() -> str:
    """16 hex digits for all that the results depend on: code and settings of every condition and what it builds on."""
    keys = [run_key(condition, 0) for condition in CONDITIONS.values()]
    keys += [
        examination_key(judge_key(condition, 0), 0, annotators_of(condition.reward))
        for condition in CONDITIONS.values()
    ]
    return Key("over_optimisation", {}, "", parents=(*keys, selection.chosen_key(0))).fingerprint


def _by_case(looks: list[list[float]], rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with a column for each case, named by its number."""
    return rows.join(pd.DataFrame(looks).rename(columns=str))
