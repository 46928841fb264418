"""The sentences of the simulated interviews and notes, by code and voice. All of them are made up
here.

`{…}` are filled from `WORDS`. Voices: client, link_worker, family, and note (an observer writing).
"""

from __future__ import annotations

IDENTITY = "Establishing an identity and place"
TENSIONS = "Tensions in understanding"
TARGETS = "Assessment and targets"
CLASSED = "Classed experiences"

WORDS: dict[str, tuple[str, ...]] = {
    "place": (
        "the library",
        "the leisure centre",
        "the church hall",
        "the pharmacy",
        "the community café",
        "the surgery",
    ),
    "while": (
        "three weeks",
        "a month",
        "six weeks",
        "a fortnight",
        "the whole winter",
        "two months",
    ),
    "activity": (
        "the gym",
        "a walking group",
        "a cooking class",
        "the swimming",
        "an art class",
        "the allotment",
    ),
    "trouble": (
        "the damp",
        "the rent arrears",
        "the broken boiler",
        "the mould",
        "the leaking roof",
        "the noise next door",
    ),
    "ailment": (
        "a bad heart",
        "a bad chest",
        "sore knees",
        "numb feet",
        "failing eyes",
        "a bad back",
    ),
    "body": ("my heart", "my chest", "my knees", "my feet", "my eyes", "my back"),
    "number": ("two", "three", "four", "five"),
    "many": ("sixty", "eighty", "ninety", "a hundred and ten"),
    "amount": ("£20", "£35", "£40", "£60"),
    "day": ("Monday", "Tuesday", "Thursday", "Friday"),
}

BANK: dict[str, dict[str, tuple[str, ...]]] = {
    f"{IDENTITY} > routes in > GP or nurse": {
        "client": (
            "It was the diabetes nurse who put me forward, at my {day} check.",
            "The doctor said there was somebody who could help with more than tablets.",
            "My nurse filled in a form and {while} later they rang.",
        ),
        "link_worker": (
            "A nurse who believes in us is worth {number} doctors who do not.",
            "Most good referrals come from one nurse at one practice.",
            "In {while} the doctors sent me {number} people, the nurses the rest.",
        ),
    },
    f"{IDENTITY} > routes in > poster": {
        "client": (
            "I saw the poster in {place} and asked for it myself.",
            "There was a leaflet by the till at {place}, that is how I came to it.",
        ),
        "note": ("A curled poster for the service hangs behind the door of {place}.",),
    },
    f"{IDENTITY} > routes in > cold call": {
        "client": (
            "They rang me on a {day} and I thought they were selling something.",
            "A stranger phoned and knew about my sugar, and I did not like that.",
        ),
        "link_worker": (
            "Half of {day} is ringing people off a list the practice sent.",
            "You phone {many} people to get {number} who stay on the line.",
        ),
        "note": ("A link worker dials down a printed list; most calls go unanswered.",),
    },
    f"{IDENTITY} > weak ties with practices": {
        "link_worker": (
            "I have no desk at the practice, I sit in {place} with my laptop.",
            "{number} of my practices would not know my face.",
            "They changed the door code and nobody told us for {while}.",
        ),
        "note": (
            "The receptionist asks the link worker for her name, though she has come for {while}.",
        ),
    },
    f"{IDENTITY} > enthusiastic practices": {
        "link_worker": (
            "One practice asks me to their meeting every {day}, and it shows.",
            "Where a partner likes us, the referrals look after themselves.",
        ),
    },
    f"{IDENTITY} > own referrals": {
        "link_worker": (
            "We find our own people now, at {place} or on the phone.",
            "If I waited for the practices I would have {number} clients.",
        ),
        "note": ("The team plans a stall at {place} to sign people up.",),
    },
    f"{IDENTITY} > onward referral > benefits advice": {
        "client": (
            "She got me to the benefits people about the {amount} I was short.",
            "The advice worker went through my forms, that was the main thing.",
        ),
        "link_worker": (
            "Nine times out of ten the first call I make is to benefits advice.",
            "Before anything else somebody has to look at the {amount} they are short.",
        ),
    },
    f"{IDENTITY} > onward referral > gym": {
        "client": (
            "I was given a card for {activity}, twelve weeks at a lower price.",
            "It was mostly about {activity}, and I went for {while}.",
        ),
        "link_worker": (
            "The gym offer is easy to make, so we make it a lot.",
            "I send people to {activity} because there is a place free every {day}.",
        ),
    },
    f"{IDENTITY} > unsure what it is": {
        "client": (
            "I could not tell you to this day what they are for.",
            "I thought she was from the council, or from {place}.",
            "Is it the NHS? Nobody said.",
        ),
        "note": (
            "The client asks whether this is about his housing; the link worker explains again.",
        ),
    },
    f"{TENSIONS} > intensive support > handholding": {
        "client": (
            "He came with me the first time, I would never have gone in alone.",
            "She sat beside me while I rang about {trouble}.",
        ),
        "link_worker": (
            "Some people need you to go along to {activity} with them, and there it stands.",
            "We are told not to hold hands, but a hand is what helps.",
        ),
        "note": (
            "The link worker walks the client to {place} and waits outside for an hour.",
            "They fill in the form together at {place}, line by line.",
        ),
    },
    f"{TENSIONS} > intensive support > trust": {
        "client": (
            "It took {while} before I told her about the drink.",
            "I trusted him because he turned up when he said.",
        ),
        "link_worker": ("You earn it slowly, over cups of tea ☕ and lifts to {place}.",),
    },
    f"{TENSIONS} > empowerment > own goals": {
        "client": (
            "I set my own goals, and {activity} was the first.",
            "It was a push to do what I knew I should.",
        ),
        "link_worker": (
            "The aim is that they take charge, so I ask what they want to change.",
            "If you do it for people they do not learn to do it.",
        ),
    },
    f"{TENSIONS} > empowerment > signposting": {
        "client": (
            "She posted me a leaflet about {activity} and that was it.",
            "I was told where to go, but not how to walk through the door.",
        ),
        "link_worker": (
            "Signposting takes ten minutes, and it looks the same on the form.",
            "I give out the number of {place} and hope that they ring it.",
        ),
        "note": ("The link worker reads out a phone number for {activity} and ends the call.",),
    },
    f"{TENSIONS} > drift to the lighter touch": {
        "client": (
            "At first it was visits, then it was calls, then it was texts.",
            "These days it is a quick call every {while}.",
        ),
        "link_worker": (
            "Two years ago I made home visits, now it is mostly the phone.",
            "With each new manager the visits get shorter.",
        ),
        "note": (
            "A visit planned for today has become a phone call of eight minutes.",
            "The {day} visits have been crossed out and marked as calls.",
        ),
    },
    f"{TARGETS} > payment per assessment": {
        "client": ("It is a lot of boxes to tick, and I wonder who they are for.",),
        "link_worker": (
            "The wages come from the assessments, so the assessments come first.",
            "There is a tally on the wall and everyone knows their place on it.",
        ),
        "note": (
            "The manager reads out the month's assessments, name by name.",
            "A whiteboard shows {many} assessments to go before {day}.",
        ),
    },
    f"{TARGETS} > calls out of the blue": {
        "client": (
            "Nothing for half a year, and then somebody rings with the questions.",
            "The form came out of the blue, I had forgotten I was still on it.",
        ),
        "link_worker": (
            "I ring people I have never met because their six-month form is due.",
            "Every {day} I have {number} strangers to ring for their form.",
        ),
        "note": (
            "The link worker opens with an apology for the long silence, then the questionnaire.",
            "{number} calls on the list are to people nobody here has spoken to for {while}.",
        ),
    },
    f"{TARGETS} > discharge at the maximum": {
        "client": (
            "My time was up, she said, although nothing was finished.",
            "They signed me off at two years, sugar or no sugar.",
        ),
        "link_worker": (
            "At the limit I have to close people, ready or not.",
            "Last {day} I closed {number} people who were in the middle of something.",
        ),
    },
    f"{TARGETS} > continuity > turnover": {
        "client": ("I have had {number} of them, you just get used to one.",),
        "link_worker": (
            "{number} of the team left since Easter.",
            "People train here and go, the pay is better elsewhere.",
        ),
        "note": ("An empty desk, a card and a cake: the second leaving party in {while}.",),
    },
    f"{TARGETS} > continuity > caseloads": {
        "link_worker": (
            "I carry {many} people and could name maybe half.",
            "When somebody leaves, their clients land on my list.",
        ),
        "note": ("The link worker scrolls for a long time to find today's client among {many}.",),
    },
    f"{TARGETS} > continuity > trust": {
        "client": (
            "When she left I stopped ringing.",
            "I was not going to tell my story a third time.",
        ),
        "link_worker": (
            "Each change of worker costs you what the last one built.",
            "It was {while} before he told me what he had told {number} others.",
        ),
    },
    f"{TARGETS} > complex lives, little time": {
        "client": ("With {body} and the sugar and the rest, ten minutes goes nowhere.",),
        "link_worker": (
            "Somebody with one condition and a car is quick, the others are not.",
            "By the time we are through {ailment} and {trouble} the slot is over.",
            "The count is per head, whether the head has one trouble or nine.",
        ),
        "note": (
            "A client lists {ailment}, {trouble} and a sick brother; the call lasts six minutes.",
            "One caller has {ailment} and {ailment}; the form has room for one.",
        ),
    },
    f"{CLASSED} > resources > steady footing": {
        "client": (
            "I have my pension and a garden, so I could just get on with it.",
            "My daughter drives me to {activity}, not everyone has that.",
        ),
        "link_worker": (
            "People with a bit behind them take the leaflet and run with it.",
            "A client with a car and a calm {day} gets to {activity} without me.",
            "If there is money in the house, {activity} is an easy thing to offer.",
        ),
        "family": ("We are all right for money, so she could choose what suited her.",),
        "note": (
            "Bright kitchen, a calendar with {activity} marked in green.",
            "The client shows a new bicycle and talks of {activity} on {day}.",
        ),
    },
    f"{CLASSED} > resources > paying for things": {
        "client": (
            "After twelve weeks {activity} cost {amount} and that was the end of it.",
            "Fresh food is {amount} more a week, and I do not have it.",
        ),
        "link_worker": (
            "The offer ends, the full price starts, and that is that.",
            "Nobody keeps up {activity} when it goes to {amount} a month.",
        ),
        "family": ("He liked {activity}, but we could not keep it up at {amount}.",),
    },
    f"{CLASSED} > precarity > housing": {
        "client": (
            "You try cooking well with {trouble} and one ring on the stove.",
            "I took this one because of {trouble}, that is what my days are about.",
        ),
        "link_worker": (
            "How do you talk about diet when they lie awake over {trouble}?",
            "Before food we talk about {trouble}, and often that is all we get to.",
        ),
        "family": ("It was {trouble} that made her ill, if you ask me.",),
        "note": (
            "We sit in our coats and come back to {trouble} again and again.",
            "The kettle is on for warmth; most of the talk is about {trouble}.",
        ),
    },
    f"{CLASSED} > precarity > money and work": {
        "client": (
            "My shifts change every week, so I cannot promise a {day}.",
            "When the money stopped I ate what the food bank had.",
        ),
        "link_worker": (
            "A zero-hours contract and a diabetes plan do not go together.",
            "They miss {day} because a shift came up, and I understand it.",
        ),
        "family": ("He works nights, then sleeps, when should he walk?",),
    },
    f"{CLASSED} > limited help": {
        "client": (
            "She was kind, but she could not do anything about {trouble}.",
            "It is for people with fewer worries than me.",
        ),
        "link_worker": (
            "For the ones at the bottom we have a leaflet and a smile.",
            "I can listen, but I cannot mend {trouble}.",
            "You leave the flat knowing that {activity} is not the answer to {trouble}.",
            "What they lack is {amount} a week, and I do not have it to give.",
        ),
        "family": ("They meant well, but nothing changed for us.",),
    },
    f"{CLASSED} > good fit": {
        "client": (
            "It came at the right time, and I took to {activity} at once.",
            "I have lost weight and my sugar is down, I am pleased with it.",
        ),
        "link_worker": (
            "With somebody like that it works as in the brochure.",
            "You mention {activity} once and they are there every {day}.",
            "The ones who were nearly ready do well with us.",
        ),
        "family": ("She goes to {activity} now and I hardly see her 🙂",),
    },
    "Diabetes > sugar and tablets": {
        "client": (
            "My sugar was nine point something at the last check.",
            "They put me on a second tablet.",
        ),
        "family": ("I do the needle for her in the mornings.",),
    },
}
