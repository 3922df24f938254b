"""Made-up events of any size in the format `asyncnet-match/1`, the same for a seed."""

import random
from typing import Any

ROLES, TYPES, REGIONS, TAGS, SKILLS = 8, 8, 9, 60, 24
CLOCKS = ((-5, -4), (-8, -7), (-5, -3), (0, 1), (2, 3), (0, 1, 2), (5, 5.5), (8, 9), (10, 11, 12))
WEIGHTS = {
    "base": 2,
    "wish": 30,
    "mutual": 10,
    "seeks": 8,
    "seeks_cap": 16,
    "gives": 2,
    "gives_cap": 4,
    "tag_rare": 5,
    "tag_mid": 3,
    "tag_common": 2,
    "tag_cap": 12,
    "role": 5,
    "same_type": 4,
    "cross": 6,
    "near_region": 4,
    "near_tz": 2,
    "overlap_step": 2,
    "overlap_cap": 4,
    "known": -10,
    "video_div": 2,
}
GROUP_WEIGHTS = {"tag_cap": 12, "same_type": 6, "region": 5, "tz": 2, "met": -12}


def make_event(people: int, rounds: int, seed: int, **changes: Any) -> dict[str, Any]:
    """Return an event of so many people, about one in twelve asynchronous.

    Interests, regions and popularity are uneven, as in life: a few topics are held by many, a few
    people are wished for by dozens. `changes` replace fields of the event.
    """
    rng = random.Random(f"{people}/{rounds}/{seed}")
    names = [f"p{number:05d}" for number in range(people)]
    popular = rng.choices(names, weights=[1 / (1 + i % 97) for i in range(people)], k=4 * people)
    event: dict[str, Any] = {
        "format": "asyncnet-match/1",
        "name": f"made-{people}-{seed}",
        "mode": "mixed",
        "rounds": rounds,
        "k": 4,
        "per_round": 2,
        "max_async_per_live": 1,
        "odd": "trio",
        "group_size": [4, 6],
        "no_repeat_history": True,
        "roles": [f"role {i}" for i in range(ROLES)],
        "types": [f"type {i}" for i in range(TYPES)],
        "regions": [f"region {i}" for i in range(REGIONS)],
        "tags": [f"topic {i}" for i in range(TAGS)],
        "skills": [f"skill {i}" for i in range(SKILLS)],
        "weights": WEIGHTS,
        "group_weights": GROUP_WEIGHTS,
        "history": [rng.sample(names, 2) for _ in range(people)],
        "forbids": [rng.sample(names, 2) for _ in range(people // 100)],
        "pins": [],
        "participants": [_person(rng, name, popular) for name in names],
    }
    return {**event, **changes}


def _person(rng: random.Random, name: str, popular: list[str]) -> dict[str, Any]:
    region = _skewed(rng, REGIONS)
    person: dict[str, Any] = {
        "id": name,
        "tags": sorted({_skewed(rng, TAGS) for _ in range(rng.randint(2, 6))}),
        "role": _skewed(rng, ROLES),
        "type": _skewed(rng, TYPES),
        "region": region,
        "utc": rng.choice(CLOCKS[region]),
        "offers": sorted(rng.sample(range(SKILLS), rng.randint(0, 3))),
        "seeks": sorted(rng.sample(range(SKILLS), rng.randint(0, 3))),
        "wishes": rng.sample(popular, rng.choice((0, 0, 1, 2, 3, 4))),
        "known": rng.sample(popular, rng.randint(0, 3)),
        "wish_roles": sorted(rng.sample(range(ROLES), rng.choice((0, 0, 1, 2)))),
    }
    if rng.random() < 0.05:
        person["avoid"] = rng.sample(popular, 1)
    for key, chance in (("cross", 0.3), ("near", 0.35), ("async", 0.08)):
        if rng.random() < chance:
            person[key] = 1
    return person


def _skewed(rng: random.Random, count: int) -> int:
    return min(int(count * rng.random() ** 1.7), count - 1)
