"""How near a translation comes to what a translator wrote: BLEU and chrF, by sacrebleu alone."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from seqlab.tasks._judging import Metric

BLEU = Metric("bleu", True, (0.0, 100.0), "BLEU")
CHRF = Metric("chrf", True, (0.0, 100.0), "chrF")

MISSING = "BLEU and chrF are sacrebleu's, which is not installed: pip install 'seqlab[translate]'"


def overlap(written: Sequence[str], right: Sequence[str]) -> dict[str, float]:
    """Return BLEU and chrF of some translations together, against one reference each.

    Nothing, where sacrebleu is not installed.
    """
    if not is_installed():
        return {}
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {
        "bleu": float(BLEU().corpus_score(written, [right]).score),
        "chrf": float(CHRF().corpus_score(written, [right]).score),
    }


def signatures() -> str:
    """Return what sacrebleu says its figures are, by which they can be compared with others."""
    if not is_installed():
        return MISSING
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    found = []
    for name, metric in (("BLEU", BLEU()), ("chrF", CHRF())):
        metric.corpus_score(["a"], [["a"]])  # which tells how many references there are
        found.append(f"{name} {metric.get_signature()}")
    return "; ".join(found)


def is_installed() -> bool:
    """Say whether sacrebleu is."""
    return find_spec("sacrebleu") is not None
