"""What a plan is asked for, and what its meetings are worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asyncnet.matching.problem import GroupWeights, Weights


@dataclass(frozen=True)
class PlanSettings:
    """What the organizer wants of a plan, beside who takes part.

    `floor` is the share of their own ideal that everybody gets at least, where that is possible.
    `group_size` is the smallest and the largest closing group; (0, 0) for none.
    """

    floor: float = 0.5
    trio: bool = True
    promised_viewers: int = 1
    most_viewers: int = 4
    viewers_at_once: int = 2
    most_viewings: int = 1
    group_size: tuple[int, int] = (4, 6)
    repeat: bool = False

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> "PlanSettings":
        """Return the settings that a plan keeps; what it does not say is as usual."""
        if not data:
            return cls()
        return cls(**{**data, "group_size": tuple(data["group_size"])})


WEIGHTS = Weights(
    base=2,
    wish=30,
    mutual=10,
    seeks=8,
    seeks_cap=16,
    gives=2,
    gives_cap=4,
    tag_rare=5,
    tag_mid=3,
    tag_common=2,
    tag_cap=12,
    role=5,
    same_type=4,
    cross=6,
    near_region=4,
    near_tz=2,
    overlap_step=2,
    overlap_cap=4,
    known=-10,
    video_div=2,
)
GROUP_WEIGHTS = GroupWeights(tag_cap=12, same_type=6, region=5, tz=2, met=-12)
