"""Pictures with a caption each, as a batch: one to many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.contracts import BOXES, PAD, Batch, Spec, Written
from seqlab.tasks._base import Task
from seqlab.tasks._judging import ACCURACY, ERRORS, LOSS, SEQUENCE_ACCURACY, SEQUENCES
from seqlab.tasks._passes import Integers
from seqlab.tasks._seeing import PICTURE, Form, Pixels

BEGIN, END = "<begin>", "<end>"


class Captions(Task):
    """Captions of pictures, which are judged as a whole (``sequence_accuracy``).

        context    picture   (B, R, C, features), from 0 to 1
        inputs     V  y(1) ... y(n)          PAD in front; V is read as the begin and written as the end
        targets    y(1) ... y(n)  V

    Of the V words each is one symbol. Where stands what each of them names is in the notes, ``boxes``.
    """

    metrics = (SEQUENCE_ACCURACY, ACCURACY, ERRORS, SEQUENCES, LOSS)

    def finish(self, words: Sequence[str], longest: int, form: Form) -> None:
        """Set what follows from the words, the length of the longest caption, and the form of pictures."""
        self.symbols, self.answers, count = (*words, BEGIN), (*words, END), len(words)
        self.sees = form
        self.spec = Spec(
            "tokens",
            count + 1,
            "classes",
            count + 1,
            causal=True,
            context={PICTURE: form.signal},
            writes=Written(begin=count, end=count, longest=longest + 1),
        )

    def see(self, pixels: Pixels, question: str | None = None) -> Batch:
        """Return a picture of a user's; see :meth:`Task.see`."""
        begin = torch.tensor([[self.spec.input_size - 1]])
        context = {PICTURE: torch.from_numpy(pixels[None])}
        return Batch(begin, torch.zeros_like(begin), torch.ones(1, 1, dtype=torch.bool), context=context)

    def described(
        self, words: Integers, boxes: Integers, counts: Integers, pictures: NDArray[np.float32]
    ) -> Batch:
        """Return a batch of as many steps as its longest caption has words, and one more for its end.

        Args:
            words: (B, L), in front of each row as many as it has.
            boxes: where stands what each of them names, (B, L, 4).
            counts: how many each row has, (B,).
            pictures: (B, R, C, features).
        """
        steps, end = int(counts.max()) + 1, self.spec.input_size - 1
        at = np.arange(steps) - (steps - 1 - counts[:, None])  # 0 at the first word, n at the end
        is_word, number = (at >= 0) & (at < counts[:, None]), np.clip(at, 0, words.shape[1] - 1)
        targets = np.where(at < 0, 0, np.where(is_word, np.take_along_axis(words, number, 1), end))
        before = np.concatenate([np.full((len(counts), 1), end), targets[:, :-1]], 1)
        inputs = np.where(at < 0, PAD, np.where(at == 0, end, before))
        named = np.take_along_axis(boxes, number[..., None], 1) * is_word[..., None]
        return Batch(
            torch.from_numpy(inputs),
            torch.from_numpy(targets),
            torch.from_numpy(at >= 0),
            context={PICTURE: torch.from_numpy(pictures)},
            notes={BOXES: torch.from_numpy(named)},
        )
