"""How a command's options are read: what takes one value is given once; a setting is no option."""

from __future__ import annotations

from collections import Counter
from typing import Any

from typer.core import TyperCommand

from seqlab.errors import UsageError, nearest


class Command(TyperCommand):
    """A command that refuses an option given twice, where it takes one value; a switch may be repeated."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what was typed.

        Raises:
            UsageError: naming the option.
        """
        if not ctx.resilient_parsing:
            try:
                _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            except Exception as error:
                option = getattr(error, "option_name", None)
                raise error if option is None else self._unknown(ctx, str(option)) from None
            for option, times in Counter(given).items():
                if times > 1 and option.param_type_name == "option" and not takes_several(option):
                    raise UsageError(
                        f"{option.opts[0]} is given {times} times, but takes one value.",
                        hint=f"Give it once; seqlab {ctx.info_name} --help says what it takes.",
                    )
        return super().parse_args(ctx, args)

    def _unknown(self, ctx: Any, option: str) -> UsageError:
        """Say which option, or which setting, was probably meant."""
        from seqlab.defaults import setting_keys
        from seqlab.settings.usual import nearest_setting

        hint = f"seqlab {ctx.info_name} --help lists the options."
        near = nearest(
            option, [name for one in self.get_params(ctx) for name in one.opts if name[:2] == "--"]
        )
        if near is not None:
            hint = f"Did you mean {near}? {hint}"
        if any(one.name in ("overrides", "models") for one in self.params):
            meant = nearest_setting(option.strip("-"), setting_keys())
            hint = hint if meant is None else f"A setting is given as a word: {meant}=... {hint}"
        return UsageError(f"There is no option {option}.", hint=hint)


def takes_several(option: object) -> bool:
    """Say whether an option collects values, counts, or is a switch."""
    return any(getattr(option, name, False) for name in ("multiple", "count", "is_flag"))
