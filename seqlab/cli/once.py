"""Options that take one value are given once: which of two was meant, nobody can know."""

from __future__ import annotations

from collections import Counter
from typing import Any

from typer.core import TyperCommand

from seqlab.errors import UsageError


class Command(TyperCommand):
    """A command that refuses an option given twice, where it takes one value; a switch may be repeated."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what was typed.

        Raises:
            UsageError: naming the option.
        """
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            for option, times in Counter(given).items():
                if times > 1 and option.param_type_name == "option" and not takes_several(option):
                    raise UsageError(
                        f"{option.opts[0]} is given {times} times, but takes one value.",
                        hint=f"Give it once; seqlab {ctx.info_name} --help says what it takes.",
                    )
        return super().parse_args(ctx, args)


def takes_several(option: object) -> bool:
    """Say whether an option collects values, counts, or is a switch."""
    return any(getattr(option, name, False) for name in ("multiple", "count", "is_flag"))
