"""The stages of the course against TRL on equal work, as ratios within one run.

`python -m benchmarks.against_trl --runs 9` measures, keeps and prints; `tests/integrations/test_equal_work.py` proves
that the work is equal. Times of work are those of the processor, which other programs change little; one thread.
"""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before transformers is imported: nothing is fetched
