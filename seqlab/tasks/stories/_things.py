"""Stories of people who carry things about: where these are and were, who gave them, who has how many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from seqlab.tasks.stories._people import NAMES, Whereabouts
from seqlab.tasks.stories._story import Story

THINGS = ("apple", "football", "milk")
AT_HOME = {"apple": "kitchen", "football": "garden", "milk": "kitchen"}

GETS = ("grabbed", "took", "got", "picked up")
DROPS = ("dropped", "discarded", "left", "put down")
GIVES = ("gave", "handed", "passed")

NUMBERS = ("none", "one", "two", "three")
NOTHING = "nothing"


class Carrying(Whereabouts):
    """People who move, take things, drop them, and give them to one another.

    Attributes:
        holders: by thing who has it, or None.
        lies: by thing the room where it is, or was when it was taken.
        taken: by thing the statement by which its holder has it.
        paths: by thing the rooms in which the reader knows it to have been, one behind another, each with the
            statements that say so.
    """

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.holders: dict[str, str | None] = dict.fromkeys(THINGS)
        self.lies = dict(AT_HOME)
        self.taken: dict[str, int] = {}
        self.paths: dict[str, list[tuple[str, set[int]]]] = {thing: [] for thing in THINGS}

    def get(self, name: str, thing: str) -> int:
        """Let somebody take a thing that lies in the same room."""
        self.holders[thing] = name
        said = self.taken[thing] = self.story.tell(f"{name} {self.random.choice(GETS)} the {thing}")
        self._follow(name)
        return said

    def drop(self, name: str, thing: str) -> int:
        """Let somebody drop a thing."""
        self.holders[thing], self.lies[thing] = None, self.rooms[name]
        return self.story.tell(f"{name} {self.random.choice(DROPS)} the {thing}")

    def give(self, name: str, thing: str, other: str) -> int:
        """Let somebody give a thing to another in the same room."""
        self.holders[thing] = other
        said = f"{name} {self.random.choice(GIVES)} the {thing} to {other}"
        self.taken[thing] = self.story.tell(said)
        return self.taken[thing]

    def move(self, name: str | None = None) -> str:
        """Let somebody go to another room, with all that is held."""
        name = super().move(name)
        self._follow(name)
        return name

    def gettable(self) -> list[tuple[str, str]]:
        """Return who could take what."""
        lying = [thing for thing in THINGS if self.holders[thing] is None]
        return [(name, thing) for thing in lying for name in NAMES if self.rooms[name] == self.lies[thing]]

    def held(self) -> list[tuple[str, str]]:
        """Return who has what."""
        return [(name, thing) for thing, name in self.holders.items() if name is not None]

    def givable(self) -> list[tuple[str, str, str]]:
        """Return who could give what to whom."""
        return [
            (name, thing, other)
            for name, thing in self.held()
            for other in NAMES
            if other != name and self.rooms[other] == self.rooms[name]
        ]

    def handle(self) -> tuple[str, int] | None:
        """Let somebody take or drop something; return who, by what statement, or None if nobody can."""
        gettable, held = self.gettable(), self.held()
        if not gettable and not held:
            return None
        chosen = self.random.randrange(len(gettable) + len(held))
        if chosen < len(gettable):
            name, thing = gettable[chosen]
            return name, self.get(name, thing)
        name, thing = held[chosen - len(gettable)]
        return name, self.drop(name, thing)

    def handle_or_move(self) -> None:
        """Let somebody move, or with twice the chance take or drop something."""
        while self.random.randrange(3):
            if self.handle() is not None:
                return
        self.move()

    def _follow(self, name: str) -> None:
        """Take down where the things are that somebody has, if the reader knows where that is."""
        if name not in self.told:
            return
        room = self.rooms[name]
        for thing, path in self.paths.items():
            if self.holders[thing] == name and (not path or path[-1][0] != room):
                path.append((room, {self.taken[thing], *self.told[name]}))


def where_is_a_thing(random: Random) -> Story:
    """People move, take and drop; where is a thing that somebody has, whose room is known?"""
    people, since = Carrying(random), 0
    while len(people.story.questions) < 5:
        people.handle_or_move()
        since += 1
        known = [(name, thing) for name, thing in people.held() if name in people.told]
        if since > 2 and random.random() < 0.5 and known:
            name, thing = random.choice(known)
            supporting = (people.taken[thing], *people.told[name])
            people.story.ask(f"where is the {thing}", people.rooms[name], supporting)
            since = 0
    return people.story


def where_was_a_thing(random: Random) -> Story:
    """People move, take and drop; where was a thing before it came to where it is?"""
    people, since = Carrying(random), 0
    while len(people.story.questions) < 5:
        people.handle_or_move()
        since += 1
        known = [thing for thing, path in people.paths.items() if len(path) > 1]
        if since > 2 and random.random() < 0.5 and known:
            thing = random.choice(known)
            (before, one), (room, other) = people.paths[thing][-2:]
            people.story.ask(f"where was the {thing} before the {room}", before, one | other)
            since = 0
    return people.story


def who_gave_what(random: Random) -> Story:
    """People move, take and give; up to five statements behind a giving, what was given by whom to whom?"""
    people, since = Carrying(random), 0
    while len(people.story.questions) < 5:
        kind, givable, gettable = random.randrange(3), people.givable(), people.gettable()
        if kind == 0:
            people.move()
        elif kind == 1 and gettable:
            people.get(*random.choice(gettable))
        elif kind == 2 and givable:
            one, thing, other = random.choice(givable)
            said = people.give(one, thing, other)
            if since:
                for _ in range(random.randrange(6)):
                    people.move()
                people.story.ask(*random.choice(_about_giving(one, thing, other)), (said,))
                since = 0
                continue
        else:
            continue
        since += 1
    return people.story


def _about_giving(one: str, thing: str, other: str) -> list[tuple[str, str]]:
    return [
        (f"who gave the {thing} to {other}", one),
        (f"who gave the {thing}", one),
        (f"what did {one} give to {other}", thing),
        (f"who did {one} give the {thing} to", other),
        (f"who received the {thing}", other),
    ]


def counting(random: Random) -> Story:
    """People move, take, drop and give; how many things has somebody who has done so?"""
    return _carrying(random, "how many objects is {} carrying", lambda things: NUMBERS[len(things)])


def listing(random: Random) -> Story:
    """The same; which things are they? They stand in the order of the alphabet."""
    return _carrying(random, "what is {} carrying", lambda things: ",".join(things) or NOTHING)


def _carrying(random: Random, question: str, answer: Callable[[Sequence[str]], str]) -> Story:
    """Ask five times what somebody has, from the second statement on and then behind every two."""
    people = Carrying(random)
    story = people.story
    handled: dict[str, list[int]] = {}  # by name all statements in which the person takes, gives or gets
    since = 0
    while len(story.questions) < 5:
        kind, givable = random.randrange(4), people.givable()
        if kind == 0:
            people.move()
        elif kind == 1 and (done := people.handle()) is not None:
            handled.setdefault(done[0], []).append(done[1])
        elif kind > 1 and givable:
            one, thing, other = random.choice(givable)
            said = people.give(one, thing, other)
            for name in (one, other):
                handled.setdefault(name, []).append(said)
        else:
            continue
        since += 1
        if since > 1 and handled:
            name = random.choice(sorted(handled))
            things = [thing for holder, thing in people.held() if holder == name]
            story.ask(question.format(name), answer(things), handled[name])
            since = 0
    return story
