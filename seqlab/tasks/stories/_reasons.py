"""Stories from which something follows by a rule: of animals, their fears and colours, and of moods."""

from __future__ import annotations

from random import Random

from seqlab.tasks.stories._story import Story

OWNERS = ("Emily", "Gertrude", "Jessica", "Winona")
HUNTERS = {"cat": "cats", "mouse": "mice", "sheep": "sheep", "wolf": "wolves"}
"""Animals, and what several of them are called."""

SEEN = ("Bernhard", "Brian", "Greg", "Julius", "Lily")
ANIMALS = ("frog", "lion", "rhino", "swan")
COLOURS = ("gray", "green", "white", "yellow")

MOODS = {
    "hungry": ("kitchen", "apple"),
    "thirsty": ("kitchen", "milk"),
    "bored": ("garden", "football"),
    "tired": ("bedroom", "pajamas"),
}
"""Where people go who feel so, and what they take there."""

RESTLESS = ("Antoine", "Jason", "Sumit", "Yann")


def deduction(random: Random) -> Story:
    """Four are an animal each, and each animal fears another; what does somebody fear? All four are asked."""
    story = Story()
    animals = dict(zip(OWNERS, random.sample(tuple(HUNTERS), len(HUNTERS)), strict=True))
    fears = {animal: random.choice([other for other in HUNTERS if other != animal]) for animal in HUNTERS}
    facts = {name: f"{name} is a {animal}" for name, animal in animals.items()}
    facts |= {animal: f"{HUNTERS[animal]} are afraid of {HUNTERS[fear]}" for animal, fear in fears.items()}
    said = {about: story.tell(facts[about]) for about in random.sample(sorted(facts), len(facts))}
    for name in random.sample(OWNERS, len(OWNERS)):
        animal = animals[name]
        story.ask(f"what is {name} afraid of", fears[animal], (said[name], said[animal]))
    return story


def induction(random: Random) -> Story:
    """Five are animals, and of four the colour is told, which the animal has; which has the fifth?

    Another one is the same animal as the fifth.
    """
    story = Story()
    colours = dict(zip(ANIMALS, random.sample(COLOURS, len(COLOURS)), strict=True))
    animals = {name: random.choice(ANIMALS) for name in SEEN}
    asked, other = random.sample(SEEN, 2)
    if list(animals.values()).count(animals[asked]) < 2:
        animals[asked] = animals[other]
    facts = {(name, "kind"): f"{name} is a {animal}" for name, animal in animals.items()}
    facts |= {
        (name, "colour"): f"{name} is {colours[animal]}" for name, animal in animals.items() if name != asked
    }
    said = {about: story.tell(facts[about]) for about in random.sample(sorted(facts), len(facts))}
    alike = [name for name in SEEN if animals[name] == animals[asked]]
    supporting = [number for (name, _), number in said.items() if name in alike]
    story.ask(f"what color is {asked}", colours[animals[asked]], supporting)
    return story


def motivations(random: Random) -> Story:
    """Each of four feels something, then goes somewhere, then takes something; where to, and why?

    Twelve facts in any order that keeps each person's, each with a question about the same person.
    """
    story = Story()
    moods = dict(zip(RESTLESS, random.sample(tuple(MOODS), len(MOODS)), strict=True))
    felt: dict[str, int] = {}
    done = dict.fromkeys(RESTLESS, 0)
    for _ in range(3 * len(RESTLESS)):
        name = random.choice([name for name in RESTLESS if done[name] < 3])
        mood = moods[name]
        room, thing = MOODS[mood]
        match done[name]:
            case 0:
                felt[name] = story.tell(f"{name} is {mood}")
                words, answer = f"where will {name} go", room
            case 1:
                story.tell(f"{name} {random.choice(('went', 'travelled', 'moved'))} to the {room}")
                words, answer = f"why did {name} go to the {room}", mood
            case _:
                story.tell(f"{name} {random.choice(('grabbed', 'took', 'picked up'))} the {thing} there")
                words, answer = f"why did {name} get the {thing}", mood
        story.ask(words, answer, (felt[name],))
        done[name] += 1
    return story
