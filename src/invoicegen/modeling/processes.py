"""Several processes that train one model together: which of them this is, and what they tell each other.

``torchrun`` and ``accelerate launch`` start the processes and say in the environment who is who. A process that neither
of them started is the only one, and nothing here costs it anything.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from invoicegen.modeling.errors import ModelingError

if TYPE_CHECKING:
    import torch

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of one training, seen from one of them. Calls that exchange values are made by all, in one order.

    Attributes:
        rank: Number of this process; 0 is the first, which alone writes.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def deal(self, items: Sequence[Value]) -> list[Value]:
        """This process's share of ``items``: every ``size``-th, from its own number on."""
        return list(items[self.rank :: self.size])

    def total(self, values: Sequence[float]) -> list[float]:
        """Each value summed over the processes."""
        if self.size == 1:
            return list(values)
        import torch

        sums = torch.tensor(values, dtype=torch.float64)
        torch.distributed.all_reduce(sums)
        return [float(value) for value in sums]

    def gather(self, value: Value) -> list[Value]:
        """The values of all processes, by rank."""
        if self.size == 1:
            return [value]
        import torch

        values: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(values, value)
        return values

    def collect(self, share: list[Value]) -> list[Value]:
        """In the first process, items in the order that they had before :meth:`deal`; nothing in the others."""
        if self.size == 1:
            return share
        import torch

        shares: list[Any] | None = [None] * self.size if self.is_first else None
        torch.distributed.gather_object(share, shares)
        if shares is None:
            return []
        items: list[Any] = [None] * sum(map(len, shares))
        for rank, part in enumerate(shares):
            items[rank :: self.size] = part
        return items

    def from_first(self, make: Callable[[], Value]) -> Value:
        """What ``make`` gives, or raises, in the first process; only there is it called."""
        if self.size == 1:
            return make()
        import torch

        message: list[Any] = [None, None]
        if self.is_first:
            try:
                message[0] = make()
            except Exception as error:
                message[1] = error
        torch.distributed.broadcast_object_list(message, src=0)
        if message[1] is not None:
            raise message[1]
        made: Value = message[0]
        return made


def launched() -> Processes:
    """What the launcher says in the environment; one process where there was none."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    return Processes(int(os.environ["RANK"]), size) if size > 1 else Processes()


def process_device(device: torch.device, processes: Processes) -> torch.device:
    """The device of this process: of several on a machine with GPUs, each has its own.

    Raises:
        ModelingError: If one GPU is named for all, or there are too few.
    """
    if processes.size == 1 or device.type != "cuda":
        return device
    import torch

    local = int(os.environ["LOCAL_RANK"])
    if device.index is not None:
        raise ModelingError(
            f"train.device is {device} and there are {processes.size} processes: set it to auto or cuda, "
            "which gives each its own GPU"
        )
    if local >= torch.cuda.device_count():
        raise ModelingError(
            f"process {local} of this machine has no GPU, there are {torch.cuda.device_count()}: "
            "start as many processes as GPUs (--nproc-per-node), or set train.device to cpu"
        )
    return torch.device("cuda", local)


def join(processes: Processes, device: torch.device) -> None:
    """Connect the processes until they end: over NCCL between GPUs, over Gloo between CPUs."""
    if processes.size == 1:
        return
    import torch

    if device.type == "cuda":
        torch.cuda.set_device(device)
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
        atexit.register(torch.distributed.destroy_process_group)
