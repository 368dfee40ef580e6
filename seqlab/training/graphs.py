"""What is done on a GPU, recorded as a CUDA graph: one call for all of its operations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from seqlab.training.recorded import Play


class Graphs:
    """Records on one GPU; what is recorded shares its memory, since one is repeated after the other.

    Args:
        device: the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.noise = device, torch.Generator(device)
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.first: torch.cuda.CUDAGraph | None = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Make updates beside the ordinary stream, where they can be recorded; see :class:`Recorder`."""
        with torch.cuda.device(self.device):
            self.stream.wait_stream(torch.cuda.current_stream(self.device))
            with torch.cuda.stream(self.stream):
                yield
            torch.cuda.current_stream(self.device).wait_stream(self.stream)

    @contextmanager
    def asking_nothing(self) -> Iterator[None]:
        """Raise a RuntimeError where the processor waits for the GPU."""
        before = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it is a prototype
            torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode(before)

    def record(self, act: Callable[[], None]) -> Play:
        """Record what ``act`` does; see :class:`Recorder`."""
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.noise)
        pool = None if self.first is None else self.first.pool()
        with torch.cuda.graph(graph, pool=pool, stream=self.stream, capture_error_mode="thread_local"):
            act()
        self.first = self.first or graph
        return graph.replay
