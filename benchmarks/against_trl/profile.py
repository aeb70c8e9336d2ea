"""Where the time of each piece of work goes, ours and TRL's: `python -m benchmarks.against_trl.profile`.

Shares of the processor's time. Kinds of operations are measured by torch's profiler; what is left of the time that the
same job takes without a profiler is Python: the interpreter, and torch's own way to an operation.
"""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported

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
REST, PYTHON = "other operations", "Python"


def shares(job: Job, plain_seconds: float) -> dict[str, float]:
    """The share of each kind in the job's time; `plain_seconds` is that of the same job without a profiler."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        job()
    times = dict.fromkeys([*KINDS, REST, PYTHON], 0.0)
    for event in found.key_averages():
        times[kind(event.key)] += event.self_cpu_time_total / 1e6
    times[PYTHON] = max(0.0, plain_seconds - sum(times.values()))
    return {name: seconds / sum(times.values()) for name, seconds in times.items()}


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
    print(f"| work | {' | '.join([*KINDS, REST, PYTHON])} |")
    print("|---" * (len(KINDS) + 3) + "|")
    for name, column in list(measure.COLUMNS.items())[:2]:
        for row, make in column.works.items():
            for who in ("ours", "theirs"):
                prepare, options = getattr(make(), who), column.options if who == "theirs" else {}
                plain = min(prepare(work.policy(*column.size), **options)() for _ in range(2))
                found = shares(prepare(work.policy(*column.size), **options), plain)
                print(
                    f"| {row}, {name}, {who} | {' | '.join(f'{share:.0%}' for share in found.values())} |", flush=True
                )


if __name__ == "__main__":
    main()
