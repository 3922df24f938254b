"""Words to begin with: what people may talk about in a round, a break and a closing group."""

from datetime import timedelta

ICEBREAKERS = (
    "What are you working on that you would happily talk about for an hour?",
    "What did you change your mind about in the last year, and what changed it?",
    "Which small thing would make your work easier, and who could help you with it?",
    "Whose work do you wish more people knew about?",
    "What did you learn the hard way that would save somebody else a month?",
    "What would you begin tomorrow if you found the right person to do it with?",
)
"""Prompts of the rounds for which the organizers wrote none of their own, in turn."""
BREAK_PROMPTS = (
    "Stand up, drink something, and write down one thing from the last conversation.",
    "Look out of a window for a minute. Your next conversation will be the better for it.",
    "Is there somebody you would like to introduce to each other? Note their names.",
    "One word for the last conversation: which one is it?",
)
CLOSING_PROMPT = (
    "Everybody in turn: one thing you take with you from today, and one you would like help with."
)
SEEN_LATELY = timedelta(seconds=40)
"""Somebody whose page asked within this time has it open."""
PRESENCE_EVERY_SECONDS = 10.0
"""How often a process writes down whose pages it saw; many at once are as cheap as one."""


def icebreaker_of(number: int, written: str) -> str:
    """Return the prompt of a round: the organizers' own, else ours."""
    return written or ICEBREAKERS[(number - 1) % len(ICEBREAKERS)]


def break_prompt_of(next_round: int) -> str:
    """Return the prompt of the break before a round, or after the last one."""
    return BREAK_PROMPTS[next_round % len(BREAK_PROMPTS)]
