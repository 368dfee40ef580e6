"""What people type for a setting: its last part alone, or the short name that other programs have for it."""

from __future__ import annotations

from collections.abc import Iterable

from seqlab.errors import nearest

USUAL = {
    "training.learning_rate": "lr rate alpha eta step_size",
    "training.steps": "iterations iters max_iters num_steps n_steps updates max_steps",
    "training.passes": "epochs num_epochs n_epochs epoch max_epochs",
    "training.batch_size": "batch bs batchsize minibatch batch_sz",
    "training.optimizer": "optim opt optimiser algorithm",
    "training.weight_decay": "wd l2",
    "training.clip_norm": "clip grad_clip gradient_clip max_norm max_grad_norm clipping clip_grad",
    "training.schedule": "scheduler lr_schedule lr_scheduler",
    "training.warmup_steps": "warmup warmup_iters",
    "training.averaging": "ema polyak",
    "training.evaluate_every": "eval_interval eval_every val_every validate_every",
    "training.patience": "early_stopping",
    "model.hidden_size": "hidden units hidden_dim n_hidden nhid width dim d_model n_embd rnn_size state_size",
    "model.layers": "num_layers n_layers n_layer nlayers depth",
    "model.dropout": "drop dropout_rate p_drop",
    "model.nonlinearity": "activation act",
    "task.period": "bptt seq_len seq_length sequence_length block_size context context_length tbptt",
    "task.corpus": "dataset data corpus_file",
    "task.difficulty": "level",
    "compute.device": "gpu cuda",
    "compute.threads": "num_threads n_threads",
    "compute.precision": "dtype amp",
}  # fmt: skip
"""By setting, the names that it has elsewhere."""

_SETTING = {word: key for key, words in USUAL.items() for word in words.split()}


def called_elsewhere(word: str) -> str | None:
    """Return the setting that goes by a word elsewhere, or None.

    >>> called_elsewhere("lr"), called_elsewhere("learning_rate")
    ('training.learning_rate', None)
    """
    return _SETTING.get(word.lower().replace("-", "_"))


def nearest_setting(typed: str, known: Iterable[str]) -> str | None:
    """Return the setting that is most likely meant, or None when none is near.

    Args:
        typed: a dotted key, or a word.
        known: the dotted keys that there are, or the names within a section.

    >>> keys = ["training.learning_rate", "model.hidden_size", "training.log_every"]
    >>> nearest_setting("training.lr", keys), nearest_setting("hidden_size", keys)
    ('training.learning_rate', 'model.hidden_size')
    >>> nearest_setting("hiden_size", keys), nearest_setting("lr", ["learning_rate"])
    ('model.hidden_size', 'learning_rate')
    """
    known = list(known)
    last = {key.rpartition(".")[2]: key for key in reversed(known)}  # the first of several
    word = typed.rpartition(".")[2].lower().replace("-", "_")
    usual = called_elsewhere(word)
    if usual is not None:
        meant = usual if usual in known else last.get(usual.rpartition(".")[2])
        if meant is not None:
            return meant
    near = last.get(word) or nearest(typed, known)
    return near or last.get(nearest(word, last) or "")
