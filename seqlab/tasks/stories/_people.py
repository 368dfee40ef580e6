"""Stories of people who go from room to room: where they are, are not, may be, and were."""

from __future__ import annotations

from random import Random

from seqlab.tasks.stories._story import Story

ROOMS = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
PEOPLE = {"Daniel": "he", "John": "he", "Mary": "she", "Sandra": "she"}
NAMES = tuple(PEOPLE)
AT_HOME = {"Daniel": "hallway", "John": "kitchen", "Mary": "bedroom", "Sandra": "garden"}
"""Where people are when a story begins, which it does not tell."""

GOES = ("went", "journeyed", "travelled", "moved")
NEXT = ("then", "after that", "following that", "afterwards")
TIMES = ("yesterday", "this morning", "this afternoon", "this evening")

ROUNDS = 5
"""Questions of a story, each behind two statements."""


class Whereabouts:
    """People who move, and what the reader of a story has been told of it.

    Attributes:
        story: what is told.
        rooms: where people are.
        told: of those whose room the reader knows, the statements that say it.
    """

    def __init__(self, random: Random) -> None:
        self.random, self.story = random, Story()
        self.rooms = dict(AT_HOME)
        self.told: dict[str, tuple[int, ...]] = {}

    def move(self, name: str | None = None) -> str:
        """Let somebody, or the one who is named, go to another room; return who it was."""
        choose = self.random.choice
        name = name or choose(NAMES)
        room = choose([room for room in ROOMS if room != self.rooms[name]])
        self.arrive((name,), room, self.story.tell(f"{name} {self.goes(room)}"))
        return name

    def arrive(self, names: tuple[str, ...], room: str, *statements: int) -> None:
        """Take down where people are now, by what statements."""
        for name in names:
            self.rooms[name], self.told[name] = room, statements

    def goes(self, room: str) -> str:
        """Say that somebody goes to a room."""
        return f"{self.random.choice(GOES)} to the {room}"

    def other_room(self, name: str) -> str:
        """Return a room in which somebody is not."""
        return self.random.choice([room for room in ROOMS if room != self.rooms[name]])

    def ask_where(self) -> None:
        """Ask where somebody is whose room is known."""
        name = self.random.choice(sorted(self.told))
        self.story.ask(f"where is {name}", self.rooms[name], self.told[name])


def where_is_somebody(random: Random) -> Story:
    """Two move and somebody's room is asked for, five times over."""
    people = Whereabouts(random)
    for _ in range(ROUNDS):
        people.move()
        people.move()
        people.ask_where()
    return people.story


def is_somebody_there(random: Random) -> Story:
    """Two move and it is asked whether somebody is in a room; half of the answers are yes."""
    people = Whereabouts(random)
    for _ in range(ROUNDS):
        people.move()
        people.move()
        name = random.choice(sorted(people.told))
        is_there = random.random() < 0.5
        room = people.rooms[name] if is_there else people.other_room(name)
        people.story.ask(f"is {name} in the {room}", "yes" if is_there else "no", people.told[name])
    return people.story


def negation(random: Random) -> Story:
    """Two statements, each a move or where somebody is or is not; is somebody in a room that was told of?

    Where the reader knows a person's room, it is asked about in half of the cases, and another one in the
    others; of rooms where a person is said not to be, it is asked, too.
    """
    people = Whereabouts(random)
    story = people.story
    denied: dict[str, dict[str, int]] = {}  # by name, rooms where the person is not since the last move
    for _ in range(ROUNDS):
        for _ in range(2):
            name = random.choice(NAMES)
            if random.random() < 0.5:
                people.move(name)
                denied[name] = {}
            elif random.random() < 0.5:
                room = people.rooms[name]
                people.arrive((name,), room, story.tell(f"{name} is in the {room}"))
                denied[name] = {}
            else:
                room = people.other_room(name)
                said = random.choice(("not", "no longer"))
                denied.setdefault(name, {})[room] = story.tell(f"{name} is {said} in the {room}")
        name = random.choice(sorted(denied))
        rooms: list[tuple[str | None, tuple[int, ...]]] = [(room, (n,)) for room, n in denied[name].items()]
        if name in people.told:
            rooms.append((None, people.told[name]))
        room_denied, supporting = random.choice(rooms)
        is_there = room_denied is None and random.random() < 0.5
        room = people.rooms[name] if is_there else room_denied or people.other_room(name)
        story.ask(f"is {name} in the {room}", "yes" if is_there else "no", supporting)
    return story


def indefinite(random: Random) -> Story:
    """Two statements, each a move, where somebody is, or in which of two rooms; is somebody in a room?

    Half of the questions are about rooms where the person is, or may be.
    """
    people = Whereabouts(random)
    story = people.story
    possible: dict[str, list[str]] = {}
    for _ in range(ROUNDS):
        for _ in range(2):
            name, kind = random.choice(NAMES), random.randrange(3)
            if kind == 0:
                people.move(name)
            elif kind == 1:
                room = people.rooms[name]
                people.arrive((name,), room, story.tell(f"{name} is in the {room}"))
            possible[name] = [people.rooms[name]]
            if kind == 2:
                one, other = possible[name] = random.sample(ROOMS, 2)
                said = story.tell(f"{name} is either in the {one} or the {other}")
                people.arrive((name,), random.choice((one, other)), said)
        name = random.choice(sorted(possible))
        rooms, may_be = possible[name], random.random() < 0.5
        room = random.choice(rooms if may_be else [room for room in ROOMS if room not in rooms])
        answer = "no" if not may_be else "yes" if len(rooms) == 1 else "maybe"
        story.ask(f"is {name} in the {room}", answer, people.told[name])
    return story


def coreference(random: Random) -> Story:
    """Somebody moves, and then he or she, who is not named again, moves on; where is somebody?"""
    people = Whereabouts(random)
    for _ in range(ROUNDS):
        name = people.move()
        (first,) = people.told[name]
        room = people.other_room(name)
        then = people.story.tell(f"{random.choice(NEXT)} {PEOPLE[name]} {people.goes(room)}")
        people.arrive((name,), room, first, then)
        people.ask_where()
    return people.story


def conjunction(random: Random) -> Story:
    """Two people move together, and two again; where is somebody?"""
    people = Whereabouts(random)
    for _ in range(ROUNDS):
        for room in random.sample(ROOMS, 2):
            pair = random.sample(NAMES, 2)
            people.arrive(tuple(pair), room, people.story.tell(f"{' and '.join(pair)} {people.goes(room)}"))
        people.ask_where()
    return people.story


def compound_coreference(random: Random) -> Story:
    """Two people move together, and then they, who are not named again, move on; where is somebody?"""
    people = Whereabouts(random)
    for _ in range(ROUNDS):
        pair = tuple(random.sample(NAMES, 2))
        one, other = random.sample(ROOMS, 2)
        first = people.story.tell(f"{' and '.join(pair)} {people.goes(one)}")
        then = people.story.tell(f"{random.choice(NEXT)} they {people.goes(other)}")
        people.arrive(pair, other, first, then)
        people.ask_where()
    return people.story


def time(random: Random) -> Story:
    """People were somewhere yesterday, this morning, ..., told in any order; where was somebody before?

    Nobody is in a room twice. The rooms of a question are neighbours in time, among those told so far.
    """
    story = Story()
    moves: dict[str, dict[int, tuple[str, int]]] = {name: {} for name in NAMES}

    def move(name: str, when: int) -> None:
        been = {room for room, _ in moves[name].values()}
        room = random.choice([room for room in ROOMS if room not in been])
        said = f"{name} {random.choice(GOES)} to the {room}"
        said = f"{said} {TIMES[when]}" if random.random() < 0.5 else f"{TIMES[when]} {said}"
        moves[name][when] = room, story.tell(said)

    # Twice among the first four it is one person, so that there is something to ask.
    somebody, places = random.choice(NAMES), random.sample(range(4), 2)
    for number in range(2 * ROUNDS + 2):
        free = [(name, when) for name in NAMES for when in range(len(TIMES)) if when not in moves[name]]
        if number in places:
            free = [slot for slot in free if slot[0] == somebody]
        move(*random.choice(free))
        if number < 3 or number % 2 == 0:
            continue
        name = random.choice([name for name in NAMES if len(moves[name]) > 1])
        known = [moves[name][when] for when in sorted(moves[name])]
        later = random.randrange(1, len(known))
        (before, one), (room, other) = known[later - 1], known[later]
        story.ask(f"where was {name} before the {room}", before, (one, other))
    return story
