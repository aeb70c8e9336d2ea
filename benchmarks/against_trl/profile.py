"""Where the time of each piece of work goes, ours and TRL's: `python -m benchmarks.against_trl.profile`.

Shares of what torch's profiler finds in kinds of operations. It sees no Python; so the same work is timed at width 8 as
well, where the arithmetic is next to nothing: that share of the time is what each operation costs however small it is.
"""

from functools import partial

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.against_trl import measure, twins, work
from benchmarks.against_trl.work import Job

KINDS = {
    "matrix products": ("addmm", "mm", "linear"),
    "attention": ("bmm", "baddbmm", "_softmax", "scaled_dot_product", "_scaled_dot_product", "_flash_attention"),
    "GELU and norms": ("gelu", "native_layer_norm", "tanh", "pow"),
    "optimiser and clipping": ("_fused_adamw_", "_foreach", "linalg_vector_norm"),
    "softmax over words": ("_log_softmax", "nll_loss", "logsumexp"),
}
REST, TINY = "other operations", "the same at width 8"


def shares(job: Job) -> dict[str, float]:
    """The share of each kind in the time of all operations of a job."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        job()
    times = dict.fromkeys([*KINDS, REST], 0.0)
    for event in found.key_averages():
        times[kind(event.key)] += event.self_cpu_time_total
    return {name: spent / sum(times.values()) for name, spent in times.items()}


def kind(operation: str) -> str:
    """The kind of an operation by its name, such as aten::addmm or aten::gelu_backward."""
    name = operation.removeprefix("aten::")
    for each, begins in KINDS.items():
        if name.startswith(begins):
            return each
    return REST


def main() -> None:
    torch.set_num_threads(1)
    twins.be_silent()
    print(f"| work | {' | '.join([*KINDS, REST, TINY])} |")
    print("|---" * (len(KINDS) + 3) + "|")
    for who in ("ours", "theirs"):
        for name, column in list(measure.COLUMNS.items())[:2]:
            options = column.options if who == "theirs" else {}
            for row, make in column.works.items():
                prepare = partial(getattr(make(), who), **options)
                layers, width = column.size
                tiny = prepare(work.policy(layers, 8))() / prepare(work.policy(layers, width))()
                found = [*shares(prepare(work.policy(layers, width))).values(), tiny]
                print(f"| {row}, {name}, {who} | {' | '.join(f'{share:.0%}' for share in found)} |", flush=True)


if __name__ == "__main__":
    main()
