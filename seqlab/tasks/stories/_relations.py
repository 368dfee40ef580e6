"""Stories of how things lie to one another: rooms, shapes, sizes, and ways."""

from __future__ import annotations

from random import Random

from seqlab.tasks.stories._people import ROOMS
from seqlab.tasks.stories._story import Story

STEPS = {"north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0)}
OPPOSITE = {"north": "south", "south": "north", "east": "west", "west": "east"}

SHAPES = ("square", "rectangle", "triangle", "sphere")
COLOURS = ("red", "blue", "pink", "yellow")
SIDES = {"above": (0, 1), "below": (0, -1), "to the right of": (1, 0), "to the left of": (-1, 0)}

CONTAINERS = ("suitcase", "container", "box", "treasure chest")
SWEETS = ("box of chocolates", "chocolate")
"""Smaller than every container, and the one smaller than the other."""

Place = tuple[int, int]


def _beside(random: Random, one: str, direction: str, other: str) -> str:
    """Say that ``one`` lies in a direction of ``other``, in either way."""
    if random.random() < 0.5:
        return f"the {one} is {direction} of the {other}"
    return f"the {other} is {OPPOSITE[direction]} of the {one}"


def two_arguments(random: Random) -> Story:
    """Three rooms in a line, told by two facts in any order; one question about the one in the middle.

    Facts and questions have the same direction, and either question the same words: their order decides.
    """
    story = Story()
    first, middle, last = random.sample(ROOMS, 3)
    side = random.choice(tuple(STEPS))
    facts = [(first, middle), (middle, last)]
    random.shuffle(facts)
    for one, other in facts:
        story.tell(f"the {one} is {side} of the {other}")
    if random.random() < 0.5:
        story.ask(f"what is {side} of the {middle}", first, (facts.index((first, middle)),))
    else:
        story.ask(f"what is the {middle} {side} of", last, (facts.index((middle, last)),))
    return story


def positions(random: Random) -> Story:
    """Three shapes, each a step away from the one before; eight questions on which side one is of another."""
    story = Story()
    shapes = _unambiguous(random)
    places: list[Place] = [(0, 0)]
    while len(places) < len(shapes):
        side, (dx, dy) = random.choice(tuple(SIDES.items()))
        x, y = places[-1]
        place = (x + dx, y + dy)
        if place in places:
            continue
        story.tell(f"the {shapes[len(places)]} is {side} the {shapes[len(places) - 1]}")
        places.append(place)
    for _ in range(8):
        one, other = random.sample(range(len(shapes)), 2)
        apart = [a - b for a, b in zip(places[one], places[other], strict=True)]
        axis = random.choice([axis for axis in range(2) if apart[axis]])
        is_so = random.random() < 0.5
        sign = 1 if (apart[axis] > 0) == is_so else -1
        (side,) = [side for side, step in SIDES.items() if step[axis] == sign]
        words = f"is the {shapes[one]} {side} the {shapes[other]}"
        story.ask(words, "yes" if is_so else "no", range(len(story.statements)))
    return story


def _unambiguous(random: Random) -> list[str]:
    """Return three shapes; one without a colour is the only one of its form."""
    chosen: list[tuple[str, str]] = []
    while len(chosen) < 3:
        shape, colour = random.choice(SHAPES), random.choice(("", *COLOURS))
        alike = [own for form, own in chosen if form == shape]
        if colour not in alike and (not alike or (colour and "" not in alike)):
            chosen.append((shape, colour))
    return [f"{colour} {shape}".strip() for shape, colour in chosen]


def sizes(random: Random) -> Story:
    """Two comparisons that make a chain, and two to seven others; is this bigger than that, does it fit in?

    It is asked of all pairs of which the comparisons say it in two steps, and not in one.
    """
    things = [*random.sample(CONTAINERS, len(CONTAINERS)), *SWEETS]  # from the largest on
    first, middle, last = sorted(random.sample(range(len(things)), 3))
    known = [(first, middle), (middle, last)]
    every = [(one, other) for other in range(len(things)) for one in range(other)]
    for _ in range(random.randint(2, 7)):
        fitting = [pair for pair in every if pair not in known and _in_two([*known, pair])]
        known.append(random.choice(fitting))
    random.shuffle(known)
    story = Story()
    for one, other in known:
        bigger = random.random() < 0.5
        words = "the {} is bigger than the {}" if bigger else "the {1} fits inside the {0}"
        story.tell(words.format(things[one], things[other]))
    for (one, other), middle in _in_two(known).items():
        supporting = known.index((one, middle)), known.index((middle, other))
        story.ask(*_about_sizes(random, things[one], things[other]), supporting)
    return story


def _in_two(known: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return the pairs that are two comparisons apart and not one, with what stands between."""
    return {
        (one, other): middle
        for one, middle in known
        for again, other in known
        if again == middle and (one, other) not in known
    }


def _about_sizes(random: Random, larger: str, smaller: str) -> tuple[str, str]:
    """Return a question about two things, and its answer."""
    answer = random.choice(("yes", "no"))
    if random.random() < 0.5:
        pair = (larger, smaller) if answer == "yes" else (smaller, larger)
        return "is the {} bigger than the {}".format(*pair), answer
    pair = (smaller, larger) if answer == "yes" else (larger, smaller)
    return "does the {} fit in the {}".format(*pair), answer


def ways(random: Random) -> Story:
    """Five rooms on a grid, by four facts in any order; the one way from a room to another, of two steps."""
    rooms = random.sample(ROOMS, 5)
    places: list[Place] = [(0, 0)]
    facts: list[str] = []
    route: list[str] = []
    while len(places) < len(rooms):
        number = len(places)
        start = number - 1 if number < 3 else random.randrange(number)
        direction = random.choice(tuple(STEPS))
        place = _moved(places[start], direction)
        if place in places or (number > 2 and place == _corner(places)):
            continue
        places.append(place)
        facts.append(_beside(random, rooms[number], direction, rooms[start]))
        if number < 3:
            route.append(direction)
    story = Story()
    order = random.sample(range(len(facts)), len(facts))
    for number in order:
        story.tell(facts[number])
    words = f"how do you go from the {rooms[0]} to the {rooms[2]}"
    story.ask(words, ",".join(route), (order.index(0), order.index(1)))
    return story


def _moved(place: Place, direction: str) -> Place:
    dx, dy = STEPS[direction]
    return place[0] + dx, place[1] + dy


def _corner(places: list[Place]) -> Place:
    """Return the place over which there would be a second way, of two steps, from the first to the third.

    Where the way is straight, that is its middle.
    """
    (x, y), (a, b), (u, v) = places[:3]
    return x + u - a, y + v - b
