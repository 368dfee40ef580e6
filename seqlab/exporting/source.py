"""A traced step as the source of a module that needs torch alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.export.graph_signature import InputKind

from seqlab.exporting.step import Traced

HEAD = '''"""{title}

One file of plain PyTorch, written by seqlab {version}; the weights lie beside it in weights.safetensors.

    from model import load

    model = load()                       # on the processor, in evaluation mode
    outputs, state = model(inputs)       # {inputs} to {outputs}
    outputs, state = model(more, state)  # what comes next, read on from there
"""

from __future__ import annotations

import json
from math import inf, nan  # noqa: F401  (steps may use them)
from pathlib import Path

import torch
from torch import Tensor, device, nn  # noqa: F401

State = tuple[Tensor, ...]
SHAPES = {shapes}
KINDS = {{
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "C64": torch.complex64, "I64": torch.int64, "I32": torch.int32, "BOOL": torch.bool,
}}


class Model(nn.Module):
    """The network: :meth:`step` is what it computes, as torch traced it."""

    def __init__(self) -> None:
        super().__init__()
        for name, (shape, kind) in SHAPES.items():
            value = torch.zeros(shape, dtype=KINDS[kind])
            if kind.startswith(("F", "BF")):
                self.register_parameter(name, nn.Parameter(value))
            else:
                self.register_buffer(name, value)

    def start(self, rows: int) -> State:
        """Return the state before the first step, a row for each sequence."""
        return ({start})

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read sequences step by step; return outputs, and the state at their end.

        {inputs} to {outputs}.
        """
        state = self.start(len(inputs)) if state is None else state
        outputs = []
        for t in range(inputs.shape[1]):
            output, state = self.step(inputs[:, t : t + 1], state)
            outputs.append(output)
        return torch.cat(outputs, 1), state

    @torch.no_grad()
    def read(self, sequence: list, state: State | None = None) -> tuple[list, State]:
        """Read one sequence, numbers or lists of features; return what comes of each, and the state."""
        outputs, state = self(torch.tensor([sequence], dtype={dtype}), state)
        return outputs[0].tolist(), state

    def step(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Read one step."""
{step}


def load(path: str | Path | None = None) -> Model:
    """Return the trained network.

    The file holds a length, a description in JSON, and the numbers, one behind the other.
    """
    data = (Path(path) if path else Path(__file__).with_name("weights.safetensors")).read_bytes()
    size = int.from_bytes(data[:8], "little")
    told, numbers = json.loads(data[8 : 8 + size]), bytearray(data[8 + size :])
    weights = {{}}
    for name, facts in told.items():
        if name != "__metadata__":
            first, last = facts["data_offsets"]
            flat = torch.frombuffer(numbers[first:last], dtype=KINDS[facts["dtype"]])
            shape, kind = SHAPES[name]
            flat = torch.view_as_complex(flat.view(-1, 2)) if kind == "C64" else flat
            weights[name] = flat.reshape(shape)
    model = Model()
    model.load_state_dict(weights)
    return model.eval()
'''

_DROPPED = re.compile(r";\s+(\w+ = )+None$")
_KINDS = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.complex64: "C64", torch.int64: "I64", torch.int32: "I32", torch.bool: "BOOL",
}  # fmt: skip


def write_source(
    traced: Traced, title: str, version: str, inputs: str, outputs: str
) -> tuple[str, dict[str, Tensor]]:
    """Return the source of a module, and the weights that it reads, by the names that they have in it.

    Args:
        traced: a step.
        title: the first line of the module's docstring.
        version: of seqlab.
        inputs: in words, what is read.
        outputs: likewise, what comes out.
    """
    names, weights = dict[str, str](), dict[str, Tensor]()
    program = traced.program
    for one in program.graph_signature.input_specs:
        if one.kind == InputKind.USER_INPUT:
            continue
        target = str(one.target)
        name = re.sub(r"\W", "_", target.removeprefix("model."))
        while name in weights:  # mixer.norm and mixer_norm
            name += "_"
        names[str(one.arg.name)] = f"self.{name}"
        source: Mapping[str, Any] = program.state_dict if target in program.state_dict else program.constants
        weights[name] = _plain(source[target])
    starts = []
    for number, part in enumerate(traced.start):
        shape = "".join(f", {size}" for size in part.shape[1:])
        if bool((part == 0).all()):
            starts.append(f"torch.zeros(rows{shape}, dtype={part.dtype})")
        else:
            weights[f"start_{number}"] = _plain(part)
            starts.append(f"self.start_{number}.expand(rows{', -1' * (part.dim() - 1)})")
    shapes = {name: (list(value.shape), _KINDS[value.dtype]) for name, value in weights.items()}
    weights = {
        name: torch.view_as_real(value).contiguous() if value.is_complex() else value
        for name, value in weights.items()
    }
    text = HEAD.format(
        title=title,
        version=version,
        inputs=inputs,
        outputs=outputs,
        dtype="torch.int64" if inputs.startswith("symbols") else "torch.float32",
        shapes="{\n" + "".join(f"    {name!r}: {facts!r},\n" for name, facts in shapes.items()) + "}",
        start="".join(f"{start}, " for start in starts).strip() if starts else "",
        step="\n".join(f"        {line}" for line in _lines(traced, names)),
    )
    return text, weights


def _plain(value: Tensor) -> Tensor:
    return value.detach().clone().contiguous()


def _lines(traced: Traced, names: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a step's body."""
    parts = [f"parts_{number}" for number in range(len(traced.start))]
    if parts:
        yield f"{', '.join(parts)}, = state" if len(parts) == 1 else f"{', '.join(parts)} = state"
    words = re.compile(r"\b(" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")\b")
    body = traced.program.graph_module.code.partition("def forward")[2].partition("\n")[2]
    for line in body.splitlines():
        line = _DROPPED.sub("", line.strip())
        if not line:
            continue
        line = words.sub(lambda found: names[found[0]], line) if names else line
        if line.startswith("return"):
            first, *rest = [
                word.strip() for word in line.removeprefix("return").strip(" ()").split(",") if word.strip()
            ]
            line = f"return {first}, ({''.join(f'{word}, ' for word in rest).strip()})"
        yield line
