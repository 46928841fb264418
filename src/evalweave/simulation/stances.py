"""What is said for and against the claims, what interviewers ask, and small talk: all invented."""

from __future__ import annotations

from evalweave.simulation.utterances import CLASSED, TARGETS, TENSIONS

# Claim → stance → voice → (code, sentences).
STANCES: dict[str, dict[str, dict[str, tuple[str, tuple[str, ...]]]]] = {
    "deprivation": {
        "supports": {
            "client": (
                f"{CLASSED} > limited help",
                (
                    "For somebody in my position there was not much they could change.",
                    "With {trouble} and no money, a link worker does not shift your sugar.",
                    "The help ran out where my real troubles begin.",
                    "It helps the ones who have it easier than I do.",
                    "What I needed was a dry flat, and they had a walking group.",
                ),
            ),
            "family": (
                f"{CLASSED} > limited help",
                (
                    "If you have nothing to start with, they cannot do much for you.",
                    "Round here it takes more than a phone call.",
                ),
            ),
        },
        "contradicts": {
            "client": (
                f"{CLASSED} > good fit",
                (
                    "I had nothing, and she sorted {trouble} and the food, and my sugar came down "
                    "after.",
                    "People as poor as me got the most from it, I would say.",
                ),
            ),
        },
    },
    "drift": {
        "supports": {
            "link_worker": (
                f"{TENSIONS} > drift to the lighter touch",
                (
                    "We do less with each person than we did at the start, and they get less "
                    "from it.",
                    "It has gone from visits to a call, and you cannot expect the same result.",
                    "What began as a year of support is now a form twice a year.",
                    "The longer it runs the thinner we are spread.",
                    "The new starters only know the light version.",
                ),
            ),
        },
        "contradicts": {
            "link_worker": (
                f"{TENSIONS} > intensive support > handholding",
                (
                    "I still do as many visits as in the first year, whatever they say.",
                    "We know more people and places now, so we help better than at the start.",
                ),
            ),
        },
    },
    "conditions": {
        "supports": {
            "link_worker": (
                f"{TARGETS} > complex lives, little time",
                (
                    "With {number} illnesses at once there is no room left for what we offer.",
                    "It works for diabetes alone, not for diabetes and a bad heart and lungs.",
                    "The sickest ones cannot do {activity}, so there is little I can send them to.",
                    "People with one condition get on, people with {number} get stuck.",
                ),
            ),
        },
        "contradicts": {
            "link_worker": (
                f"{TENSIONS} > intensive support > trust",
                ("My best results are with people who have everything wrong with them.",),
            ),
        },
    },
    "mean_effect": {
        "supports": {
            "client": (
                f"{CLASSED} > good fit",
                (
                    "My sugar has come down since I joined, the nurse showed me.",
                    "I eat better and walk more, and the numbers say so.",
                    "It did for my sugar what the tablets had not.",
                ),
            ),
        },
        "contradicts": {
            "client": (
                f"{CLASSED} > limited help",
                (
                    "My sugar is where it was, if I am honest.",
                    "It was nice to talk, but it did nothing for the diabetes.",
                    "The numbers went up, not down.",
                ),
            ),
        },
    },
}

QUESTIONS = {
    "focus_group": (
        "What takes up your week?",
        "And the practices?",
        "Who gets most from it?",
        "What has changed?",
    ),
    "link_worker_interview": (
        "How is the work these days?",
        "Tell me about a client.",
        "And the targets?",
    ),
    "initial_interview": (
        "How did you first hear of it?",
        "What did they do with you?",
        "And your health?",
    ),
    "photo_elicitation": ("What is on this picture?", "And this one?"),
    "family_interview": ("How has it been at home?", "What do you make of the service?"),
    "final_interview": (
        "Looking back, what made a difference?",
        "What happened since we spoke?",
        "And your sugar?",
    ),
}

SMALL_TALK = (
    "Will you have a biscuit?",
    "Mind the dog 🐕.",
    "Sorry, that was the door.",
    "Where was I?",
    "It is a long story.",
    "You will have to speak up.",
    "I am not sure what else to say.",
)
