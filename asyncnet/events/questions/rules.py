"""Questions that a match form may start with."""

from dataclasses import dataclass

from asyncnet.events.rules import QuestionKind


@dataclass(frozen=True)
class Asked:
    """A question before it belongs to an event."""

    kind: QuestionKind
    label: str
    help: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class QuestionSet:
    """A match form to begin with."""

    title: str
    about: str
    questions: tuple[Asked, ...]


MAY_CONTACT = Asked(
    QuestionKind.CONTACT,
    "May they write back to you?",
    "Only then do they see how to reach you.",
)
FIRST_QUESTIONS = (
    Asked(
        QuestionKind.LONG,
        "What stayed with you from this intro?",
        "They read it on their next morning, in your words.",
        required=True,
    ),
    Asked(QuestionKind.LONG, "What would you like to talk about together?"),
    MAY_CONTACT,
)
"""The match form that a new event starts with."""
QUESTION_SETS = {
    "warm": QuestionSet(
        "A warm hello", "three questions, two minutes; right for most events", FIRST_QUESTIONS
    ),
    "work": QuestionSet(
        "Working together",
        "for people who look for partners, projects and advice",
        (
            Asked(
                QuestionKind.LONG,
                "What in their work touches yours?",
                "A project, a place, a question that you share.",
                required=True,
            ),
            Asked(
                QuestionKind.SEVERAL,
                "What could you do for each other?",
                "Tick as many as you like.",
                choices=(
                    "Give advice",
                    "Share data or methods",
                    "Introduce somebody",
                    "Write or build something together",
                    "Simply stay in touch",
                ),
            ),
            Asked(
                QuestionKind.SCALE,
                "How soon would you like to talk?",
                choices=("some day", "this week"),
            ),
            MAY_CONTACT,
        ),
    ),
    "mentoring": QuestionSet(
        "Mentors and newcomers",
        "for programmes in which people learn from each other",
        (
            Asked(
                QuestionKind.LONG,
                "What would you like to ask them, or tell them?",
                "One honest question is worth more than praise.",
                required=True,
            ),
            Asked(
                QuestionKind.ONE,
                "Where could you help?",
                choices=(
                    "I can share experience",
                    "I am looking for experience",
                    "A bit of both",
                ),
            ),
            Asked(QuestionKind.YES_NO, "Would you meet them once a month for a while?"),
            MAY_CONTACT,
        ),
    ),
    "across": QuestionSet(
        "Across fields and places",
        "for people who have little in common yet",
        (
            Asked(
                QuestionKind.LONG,
                "What surprised you?",
                "Something you did not know about their field or their place.",
                required=True,
            ),
            Asked(
                QuestionKind.LONG,
                "What is the same where you are?",
                "Small things count: the weather, the paperwork, the birds.",
            ),
            Asked(QuestionKind.SHORT, "Whom or what should they know about?"),
            MAY_CONTACT,
        ),
    ),
}
"""Match forms for a good start."""
