"""How a command's options are read: what takes one value is given one, once; a setting is no option."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from typer.core import TyperCommand, TyperGroup

from seqlab.errors import UsageError, nearest

OTHER_NAMES = {"delete": "rm", "remove": "rm", "ls": "runs", "generate": "sample", "sweep": "compare"}
"""What other programs call a command of ours."""

TEXTS = frozenset({"--prime", "--input", "--once", "--title"})
"""Options whose value is a text, which may be empty: to begin with nothing is to begin, too."""


class Command(TyperCommand):
    """A command that refuses an option given twice, where it takes one value, and one that is empty.

    A switch may be repeated.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what was typed.

        Raises:
            UsageError: naming the option.
        """
        if not ctx.resilient_parsing:
            try:
                values, _, given = self.make_parser(ctx).parse_args(args=list(args))
            except Exception as error:
                if hasattr(error, "possibilities"):  # no such option
                    raise self._unknown(ctx, str(getattr(error, "option_name", ""))) from None
                raise _usage_error(ctx, error) from None
            for option, times in Counter(given).items():
                if values.get(option.name or "") == "" and names_something(option):
                    raise UsageError(
                        f"{option.opts[0]} is empty.",
                        hint=f"Leave it out, or name something: seqlab {ctx.info_name} --help",
                    )
                if times > 1 and option.param_type_name == "option" and not takes_several(option):
                    raise UsageError(
                        f"{option.opts[0]} is given {times} times, but takes one value.",
                        hint=f"Give it once; seqlab {ctx.info_name} --help says what it takes.",
                    )
        return in_a_sentence(ctx, lambda: super(Command, self).parse_args(ctx, args))

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


class Group(TyperGroup):
    """The commands; one that there is not is answered with the nearest."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that was typed.

        Raises:
            UsageError: when there is no such command.
        """
        typed = args[0]
        known = self.list_commands(ctx)
        if typed not in known and not typed.startswith("-"):
            near = OTHER_NAMES.get(typed) or nearest(typed, known)
            hint = f"Did you mean seqlab {near}?" if near in known else f"Known commands: {', '.join(known)}."
            raise UsageError(f"There is no command {typed!r}.", hint=hint)
        return super().resolve_command(ctx, args)


def in_a_sentence(ctx: Any, parse: Callable[[], list[str]]) -> list[str]:
    """Return what is parsed; what is wrong with it is said as every other error is."""
    try:
        return parse()
    except Exception as error:
        raise _usage_error(ctx, error) from None


def _usage_error(ctx: Any, error: Exception) -> Exception:
    """Return an error of the parser as one of ours; any other as it is."""
    said = getattr(error, "format_message", None)
    if said is None or isinstance(error, UsageError):
        return error
    return UsageError(str(said()), hint=f"seqlab {ctx.info_name} --help says what it takes.")


def takes_several(option: object) -> bool:
    """Say whether an option collects values, counts, or is a switch."""
    return any(getattr(option, name, False) for name in ("multiple", "count", "is_flag"))


def names_something(parameter: Any) -> bool:
    """Say whether a parameter, if it is given, has to name something: a file, or what an option takes."""
    if parameter.param_type_name == "option":
        return parameter.opts[0] not in TEXTS
    return bool(parameter.type.name == "path")
