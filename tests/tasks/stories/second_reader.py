"""A second simulation: it reads sentences as text, keeps a world of its own, and answers questions about it."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

MOVES = "went|journeyed|travelled|moved"
GETS = "grabbed|took|got|picked up"
DROPS = "dropped|discarded|left|put down"
GIVES = "gave|handed|passed"
TIMES = ("yesterday", "this morning", "this afternoon", "this evening")
WAYS = {
    "north of": (0, 1), "south of": (0, -1), "east of": (1, 0), "west of": (-1, 0),
    "above": (0, 1), "below": (0, -1), "to the right of": (1, 0), "to the left of": (-1, 0),
}  # fmt: skip
SINGULAR = {"mice": "mouse", "wolves": "wolf", "cats": "cat", "sheep": "sheep"}
GOALS = {"hungry": "kitchen", "thirsty": "kitchen", "bored": "garden", "tired": "bedroom"}
NUMBERS = ("none", "one", "two", "three")


@dataclass
class Reader:
    """What somebody knows who has read some statements and nothing else."""

    subjects: list[str] = field(default_factory=list)
    where: dict[str, set[str]] = field(default_factory=dict)
    absent: dict[str, set[str]] = field(default_factory=dict)
    days: dict[str, dict[int, str]] = field(default_factory=dict)
    has: dict[str, str] = field(default_factory=dict)
    lies: dict[str, str] = field(default_factory=dict)
    ways: dict[str, list[str]] = field(default_factory=dict)
    given: list[tuple[str, str, str]] = field(default_factory=list)
    is_: dict[str, set[str]] = field(default_factory=dict)
    fears: dict[str, str] = field(default_factory=dict)
    sides: list[tuple[str, str, str]] = field(default_factory=list)
    bigger: set[tuple[str, str]] = field(default_factory=set)

    def read(self, sentence: str) -> None:
        """Take in a statement."""
        when = next((number for number, time in enumerate(TIMES) if time in sentence), None)
        if when is not None:
            sentence = sentence.replace(TIMES[when], "").strip()
        sentence = re.sub("^(then|after that|following that|afterwards) ", "", sentence)
        for pattern, take in (
            (rf"(.+?) (?:{MOVES}) to the (\w+)", lambda who, room: self._moved(who, room, when)),
            (r"(\w+) is in the (\w+)", lambda who, room: self._moved(who, room, None)),
            (r"(\w+) is (?:not|no longer) in the (\w+)", self._is_not_in),
            (r"(\w+) is either in the (\w+) or the (\w+)", self._may_be_in),
            (rf"(\w+) (?:{GETS}) the (\w+)(?: there)?", lambda who, thing: self.has.update({thing: who})),
            (rf"(\w+) (?:{DROPS}) the (\w+)", self._dropped),
            (rf"(\w+) (?:{GIVES}) the (\w+) to (\w+)", self._gave),
            (r"(\w+) are afraid of (\w+)", lambda a, b: self.fears.update({SINGULAR[a]: SINGULAR[b]})),
            (r"the (.+) is bigger than the (.+)", lambda a, b: self.bigger.add((a, b))),
            (r"the (.+) fits inside the (.+)", lambda a, b: self.bigger.add((b, a))),
            (rf"the (.+) is ({'|'.join(WAYS)}) the (.+)", lambda a, how, b: self.sides.append((a, how, b))),
            (r"(\w+) is (?:a )?(\w+)", lambda who, what: self.is_.setdefault(who, set()).add(what)),
        ):
            found = re.fullmatch(pattern, sentence)
            if found:
                take(*found.groups())
                break
        else:
            raise AssertionError(f"not understood: {sentence}")
        for thing in {*self.has, *self.lies}:
            room, been = self._room_of(thing), self.ways.setdefault(thing, [])
            if room and been[-1:] != [room]:
                been.append(room)

    def _moved(self, who: str, room: str, when: int | None) -> None:
        if who not in ("he", "she", "they"):
            self.subjects = who.split(" and ")
        for name in self.subjects:
            self.where[name], self.absent[name] = {room}, set()
            if when is not None:
                self.days.setdefault(name, {})[when] = room

    def _is_not_in(self, who: str, room: str) -> None:
        self.absent.setdefault(who, set()).add(room)

    def _may_be_in(self, who: str, *rooms: str) -> None:
        self.where[who] = set(rooms)

    def _dropped(self, who: str, thing: str) -> None:
        self.has.pop(thing, None)
        room = self._room(who)
        if room:
            self.lies[thing] = room

    def _gave(self, who: str, thing: str, other: str) -> None:
        self.given.append((who, thing, other))
        self.has[thing] = other

    def _room(self, who: str) -> str | None:
        rooms = self.where.get(who, set())
        return next(iter(rooms)) if len(rooms) == 1 else None

    def _room_of(self, thing: str) -> str | None:
        return self._room(self.has[thing]) if thing in self.has else self.lies.get(thing)

    def answer(self, question: str) -> str | None:
        """Return what follows, or None where that is nothing."""
        for pattern, say in (
            (r"where is the (\w+)", self._room_of),
            (r"where is (\w+)", self._room),
            (r"where was the (\w+) before the (\w+)", self._thing_before),
            (r"where was (\w+) before the (\w+)", self._before),
            (r"is (\w+) in the (\w+)", self._is_in),
            (r"who gave the (\w+)(?: to (\w+))?", lambda thing, other: self._giving(None, thing, other)),
            (r"what did (\w+) give to (\w+)", lambda who, other: self._giving(who, None, other)),
            (r"who did (\w+) give the (\w+) to", lambda who, thing: self._giving(who, thing, None, 2)),
            (r"who received the (\w+)", lambda thing: self._giving(None, thing, None, 2)),
            (r"how many objects is (\w+) carrying", lambda who: NUMBERS[len(self._carried(who))]),
            (r"what is (\w+) carrying", lambda who: ",".join(self._carried(who)) or "nothing"),
            (r"what is (\w+) afraid of", lambda who: self.fears.get(next(iter(self.is_.get(who, {""}))))),
            (r"what color is (\w+)", self._colour),
            (r"what is (\w+ of) the (\w+)", lambda how, room: self._neighbour(room, how, turned=False)),
            (r"what is the (\w+) (\w+ of)", lambda room, how: self._neighbour(room, how, turned=True)),
            (r"is the (.+) bigger than the (.+)", self._is_bigger),
            (r"does the (.+) fit in the (.+)", lambda one, other: self._is_bigger(other, one)),
            (rf"is the (.+) ({'|'.join(WAYS)}) the (.+)", self._lies_there),
            (r"how do you go from the (\w+) to the (\w+)", self._route),
            (r"where will (\w+) go", lambda who: GOALS.get(self._mood(who))),
            (r"why did (\w+) (?:go to|get) the \w+", lambda who: self._mood(who) or None),
        ):
            found = re.fullmatch(pattern, question)
            if found:
                return say(*found.groups())
        raise AssertionError(f"not understood: {question}")

    def _thing_before(self, thing: str, room: str) -> str | None:
        *_, before, now = [None, None, *self.ways.get(thing, [])]
        return before if now == room else None

    def _before(self, who: str, room: str) -> str | None:
        days = self.days.get(who, {})
        rooms = [None, *(days[when] for when in sorted(days))]
        return rooms[rooms.index(room) - 1] if room in rooms else None

    def _is_in(self, who: str, room: str) -> str | None:
        rooms = self.where.get(who)
        if rooms is None:
            return "no" if room in self.absent.get(who, set()) else None
        return "no" if room not in rooms else "yes" if len(rooms) == 1 else "maybe"

    def _giving(self, who: str | None, thing: str | None, other: str | None, wanted: int = 0) -> str | None:
        wanted = 1 if thing is None else wanted
        for giving in reversed(self.given):
            if all(asked in (None, told) for asked, told in zip((who, thing, other), giving, strict=True)):
                return giving[wanted]
        return None

    def _carried(self, who: str) -> list[str]:
        return sorted(thing for thing, name in self.has.items() if name == who)

    def _mood(self, who: str) -> str:
        return next(iter(self.is_.get(who, {""})))

    def _colour(self, who: str) -> str | None:
        (animal,) = self.is_[who]
        alike = [known - {animal} for known in self.is_.values() if animal in known and len(known) == 2]
        return next(iter(alike[0])) if alike else None

    def _is_bigger(self, one: str, other: str) -> str | None:
        found = [
            answer
            for answer, start, end in (("yes", one, other), ("no", other, one))
            if self._leads(start, end)
        ]
        return found[0] if len(found) == 1 else None

    def _leads(self, start: str, end: str) -> bool:
        return any(a == start and (b == end or self._leads(b, end)) for a, b in self.bigger)

    def places(self, start: str) -> dict[str, tuple[int, int, tuple[str, ...]]]:
        """Where all lie, seen from one, with a way there."""
        found: dict[str, tuple[int, int, tuple[str, ...]]] = {start: (0, 0, ())}
        queue = deque([start])
        edges = [(b, WAYS[how], a) for a, how, b in self.sides]
        edges += [(a, (-x, -y), b) for b, (x, y), a in edges]
        while queue:
            here = queue.popleft()
            x, y, way = found[here]
            for begin, (dx, dy), end in edges:
                if begin == here and end not in found:
                    step = next(how for how, by in WAYS.items() if by == (dx, dy)).removesuffix(" of")
                    found[end] = (x + dx, y + dy, (*way, step))
                    queue.append(end)
        return found

    def _lies_there(self, one: str, how: str, other: str) -> str | None:
        places = self.places(other)
        if one not in places:
            return None
        (x, y, _), (dx, dy) = places[one], WAYS[how]
        along = x * dx + y * dy
        return "yes" if along > 0 else "no" if along < 0 else None

    def _neighbour(self, room: str, how: str, *, turned: bool) -> str | None:
        sign = -1 if turned else 1
        dx, dy = WAYS[how]
        return next(
            (a for a, (x, y, _) in self.places(room).items() if (x, y) == (sign * dx, sign * dy)), None
        )

    def _route(self, start: str, end: str) -> str | None:
        places = self.places(start)
        return ",".join(places[end][2]) if end in places else None
