"""Runs on a Dask cluster, on this machine or on many, where the store travels: no disk is shared.

Each worker has a store of its own, in a folder that goes when the worker does. First it is sent all that today's code
finds in the caller's store; a run goes there as on the caller's machine; what it has kept is sent back, into the
caller's store. Models that others build on go on to the other workers, which need not train them again.
"""

import logging
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import dask
import psutil
from distributed import Client, KilledWorker, LocalCluster, Worker, WorkerPlugin, get_worker
from distributed import Future as DaskFuture
from distributed.utils import silence_logging_cmgr
from distributed.versions import VersionMismatchWarning

from rlhf_lessons import cache, files, keys, parcels, pipeline, scales, store
from rlhf_lessons.parcels import Parcel
from rlhf_lessons.refusals import shown
from rlhf_lessons.sweeps.processes import RunError, environment, kill_children, no_ctrl_c, prepare

CONNECT_SECONDS = 10
DEATHS = 2  # of workers that a run survives: memory may run short by chance, but hardly three times
SETTINGS = {
    "distributed.worker.profile.enabled": False,
    "distributed.deploy.lost-worker-timeout": "1 day",  # one that comes back late would be given up for ever
    # Without Dask's MALLOC_TRIM_THRESHOLD_, under which a PPO update takes 1.6 times as long.
    "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1},
}
PARENTS = frozenset(name for stage in pipeline.STAGES.values() for name in stage.parents)


@contextmanager
def workers(jobs: int, address: str | None) -> Iterator[Executor]:
    """Workers of a Dask cluster: `jobs` on this machine, or all that the scheduler at an `address` has.

    Raises ValueError, in one line, for a scheduler that cannot be reached, has no worker, or has workers that run
    other code than this machine.
    """
    with silence_logging_cmgr(logging.CRITICAL), warnings.catch_warnings():
        warnings.simplefilter("ignore", VersionMismatchWarning)  # `_check` says it in one line
        with _reached(address) if address else _here(jobs) as client, _Cluster(client) as pool:
            yield pool


@contextmanager
def _here(jobs: int) -> Iterator[Client]:
    """The client of a cluster of `jobs` processes on this machine, which only this machine can reach."""
    with tempfile.TemporaryDirectory(prefix="rlhf-lessons-") as folder, dask.config.set(SETTINGS):
        with no_ctrl_c():
            cluster = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"allowed_failures": DEATHS, "dashboard": False},
                local_directory=folder,
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
        try:
            with Client(cluster, set_as_default=False) as client:
                yield client
        finally:
            for nanny in cluster.workers.values():  # asked to end, they would first finish what they have in hand
                if nanny.pid:
                    with suppress(psutil.NoSuchProcess):
                        worker = psutil.Process(nanny.pid)
                        kill_children(worker)
                        worker.kill()
            cluster.close()


@contextmanager
def _reached(address: str) -> Iterator[Client]:
    with ExitStack() as entered:
        try:
            client = entered.enter_context(Client(address, timeout=CONNECT_SECONDS, set_as_default=False))
            client.wait_for_workers(1, CONNECT_SECONDS)
        except (OSError, TimeoutError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"scheduler: {shown(address)} cannot be used ({reason})") from None
        yield client


class _Cluster(ThreadPoolExecutor):
    """As many threads as there are workers, each of which waits for the run that it has sent.

    So no worker has a second run in hand, which would be lost with it.
    """

    def __init__(self, client: Client):
        _check(client)
        super().__init__(len(client.nthreads()))
        self.client, self.place = client, f"rlhf-lessons-{uuid4().hex}"
        self.in_hand: set[DaskFuture] = set()
        self.plugins: list[str] = []
        self.arriving = threading.Lock()
        stores = filter(None, (store.home(), store.shared()))
        self._stock(parcels.pack(entry.path for root in stores for entry in cache.entries(root) if entry.current))

    def submit(self, do: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """`do(run)` on one of the workers, or `do(run, folder)` with a folder there whose files come into this one."""
        return super().submit(self._send, do, *args)

    def __exit__(self, *_: Any) -> None:
        self.shutdown(wait=False, cancel_futures=True)
        with suppress(OSError, CancelledError):  # a scheduler that has gone keeps nothing
            self.client.cancel(list(self.in_hand))
            for name in self.plugins:
                self.client.unregister_worker_plugin(name)

    def _send(self, do: Callable[..., Any], run: Callable[..., Any], folder: Path | None = None) -> None:
        future = self.client.submit(
            _at_worker, self.place, _made_with(), scales.named(), do, run, folder is not None, pure=False
        )
        self.in_hand.add(future)
        try:
            kept, left = future.result()
        except KilledWorker:
            raise RunError(f"{DEATHS + 1} workers ended while they ran it, as happens if memory runs short") from None
        except CancelledError:
            raise BrokenExecutor("the scheduler is gone") from None
        finally:
            self.in_hand.discard(future)
        with self.arriving:
            had = parcels.stored()
            new = [parcel for parcel in kept if store.home() / parcel.folder not in had]
            parcels.unpack(new)
            for name, content in left.items():
                files.replace(Path(folder or "", name), content)
            self._stock([parcel for parcel in new if parcel.folder.rpartition("-")[0] in PARENTS])

    def _stock(self, goods: list[Parcel]) -> None:
        """Put into the store of every worker, of today and to come."""
        if goods:
            self.plugins.append(f"{self.place}-{len(self.plugins)}")
            self.client.register_plugin(_Stock(self.place, goods), self.plugins[-1])


class _Stock(WorkerPlugin):
    """Fills a store of the worker's own, which goes with the worker or at the end of the runs."""

    def __init__(self, place: str, goods: list[Parcel]):
        self.place, self.goods = place, goods

    def setup(self, worker: Worker) -> None:
        with environment(**{store.HOME_VARIABLE: _home(worker, self.place)}):
            parcels.unpack(self.goods)

    def teardown(self, worker: Worker) -> None:
        shutil.rmtree(_home(worker, self.place), ignore_errors=True)


def _home(worker: Worker, place: str) -> str:
    return os.path.join(worker.local_directory, place)


def _at_worker(
    place: str,
    wanted: Mapping[str, str],
    scale: str,
    do: Callable[..., Any],
    run: Callable[..., Any],
    leaves_files: bool,
) -> tuple[list[Parcel], dict[str, bytes]]:
    """Make a run at a worker. Returns what it kept in the store, and the files that it left in a folder."""
    worker = get_worker()
    if fault := _fault(worker.address, wanted, _made_with()):  # of a worker that came later
        raise RunError(fault)
    prepare()
    with (
        tempfile.TemporaryDirectory(dir=worker.local_directory) as folder,
        environment(**{store.HOME_VARIABLE: _home(worker, place), scales.VARIABLE: scale}),
    ):
        before = parcels.stored()
        do(run, *([Path(folder)] if leaves_files else []))
        left = {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}
        return parcels.pack(parcels.stored() - before), left


def _made_with() -> dict[str, str]:
    """What must be the same everywhere for results to be the same to the last digit."""
    return {"code": keys.package_version(), "torch": version("torch"), "distributed": version("distributed")}


def _check(client: Client) -> None:
    """Raise ValueError unless all workers have this machine's code and one thread."""
    found = client.run(_made_with, on_error="return")
    faults = [_fault(address, _made_with(), made_with) for address, made_with in found.items()]
    faults += [
        f"worker {address} has {threads} threads; it must have one (dask worker --nthreads 1)"
        for address, threads in client.nthreads().items()
        if threads != 1
    ]
    if any(faults):
        raise ValueError(f"scheduler: {'; '.join(filter(None, faults))}")


def _fault(address: str, wanted: Mapping[str, str], found: Mapping[str, str] | Exception) -> str:
    """What a worker has that it must not have, or nothing."""
    if isinstance(found, Exception):
        return f"worker {address} cannot run this package ({type(found).__name__}: {' '.join(str(found).split())})"
    unlike = {name: value for name, value in wanted.items() if found.get(name) != value}
    has, must = (", ".join(f"{name} {each.get(name)}" for name in unlike) for each in (found, wanted))
    return f"worker {address} has {has}; it must have {must}, as here" if unlike else ""
