"""The small sets of the source document, topic by topic, every sentence in our own words.

The document trained its "Program 1" on 20 preference pairs, 10 corpus lines and 5 expert answers. Its topics
stand here in its order. A preferred answer is specific and safe and gives a mechanism, a number or an
alternative; a dispreferred one is vague or reassuring, in about as many words. Of several wordings of each
pair we kept those that give Program 1 figures of the size the document logged: its faults show with any
wording, their size varies.

Teaching simplification, not medical advice.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class SourcePair:
    """One topic of the document: a question, the answer to prefer, and the one to turn down."""

    topic: str
    prompt: str
    preferred: str
    dispreferred: str

    @property
    def chosen(self) -> str:
        """The preferred answer, by the name reward models give it."""
        return self.preferred

    @property
    def rejected(self) -> str:
        """The dispreferred answer, by the name reward models give it."""
        return self.dispreferred


@dataclass(frozen=True)
class ExpertPair:
    """One question with the answer an expert would give: a demonstration for SFT."""

    topic: str
    prompt: str
    answer: str


PREFERENCE_PAIRS: tuple[SourcePair, ...] = (
    SourcePair(
        "renal dosing",
        "gabapentin with egfr 28 ?",
        "give 25 percent of the dose ; it builds up in the kidney .",
        "the kidney is a little slow ; the usual dose is fine .",
    ),
    SourcePair(
        "warfarin with NSAIDs",
        "warfarin with ibuprofen ?",
        "bleeding risk goes up 2 to 3 times ; paracetamol instead .",
        "most people are fine with both ; see how it goes .",
    ),
    SourcePair(
        "metformin at eGFR 28",
        "metformin with egfr 28 ?",
        "avoid under 30 ; lactic acid builds up ; insulin instead .",
        "metformin is common ; carry on with the usual dose .",
    ),
    SourcePair(
        "ACE inhibitor with a potassium-sparing diuretic",
        "lisinopril with spironolactone ?",
        "both raise potassium ; 50 percent of the dose , check level in 1 week .",
        "two good medicines ; the heart will cope with both .",
    ),
    SourcePair(
        "codeine in CYP2D6 poor metabolisers",
        "codeine with cyp2d6 poor metaboliser ?",
        "no morphine is made , so no relief ; use paracetamol .",
        "it is a common medicine for pain ; take more if needed .",
    ),
    SourcePair(
        "ACE inhibitor in pregnancy",
        "lisinopril with pregnancy ?",
        "do not use ; kidney harm to the baby ; labetalol instead .",
        "a low dose is probably fine ; the baby will cope .",
    ),
    SourcePair(
        "grapefruit with statins",
        "simvastatin with grapefruit ?",
        "grapefruit blocks cyp3a4 ; high level , muscle risk ; use water instead .",
        "a little fruit each day is good ; no need to worry .",
    ),
    SourcePair(
        "lithium toxicity",
        "lithium with level 2.1 ?",
        "stop it today ; over 1.5 is toxic ; check kidney and heart .",
        "the level is a little high ; carry on as usual .",
    ),
    SourcePair(
        "tricyclics in the elderly",
        "amitriptyline with old age ?",
        "avoid ; confusion and fall risk ; use sertraline instead .",
        "a low dose is safe at any age ; sleep is good .",
    ),
    SourcePair(
        "macrolides and QT",
        "clarithromycin with long qt ?",
        "avoid ; longer qt , risk of sudden death ; doxycycline instead .",
        "just a short course ; most people are fine .",
    ),
    SourcePair(
        "stopping an SSRI",
        "sertraline with sudden stop ?",
        "reduce slowly , over 4 weeks ; withdrawal risk ; check each week .",
        "just stop when feeling well ; nothing will happen .",
    ),
    SourcePair(
        "NSAIDs in renal disease",
        "ibuprofen with egfr 28 ?",
        "avoid under 30 ; it cuts kidney blood flow ; paracetamol instead .",
        "pain comes first ; take it with food .",
    ),
    SourcePair(
        "Stevens-Johnson syndrome",
        "lamotrigine with new rash ?",
        "stop it today ; risk of stevens johnson syndrome ; urgent check .",
        "some cream will do ; a rash is common .",
    ),
    SourcePair(
        "theophylline range",
        "theophylline with level 25 ?",
        "toxic ; range 10 to 20 ; seizure risk ; stop and check .",
        "a little high is good ; it works better .",
    ),
    SourcePair(
        "penicillin anaphylaxis and cephalosporins",
        "cefalexin with penicillin anaphylaxis ?",
        "avoid ; about 2 percent react to both ; use doxycycline instead .",
        "it is not penicillin , so it is safe to use .",
    ),
    SourcePair(
        "statin myopathy",
        "simvastatin with muscle pain ?",
        "stop and check creatine kinase ; over 10 times is muscle damage risk .",
        "pain is common with age ; rest and carry on .",
    ),
    SourcePair(
        "fasting glucose 126",
        "metformin with glucose 126 ?",
        "fasting 126 is diabetes ; check again , then use the usual dose .",
        "126 is a little high ; check again in some years .",
    ),
    SourcePair(
        "St John's wort with warfarin",
        "warfarin with st johns wort ?",
        "avoid ; warfarin clears faster ; counselling instead .",
        "a natural herb is safe with all ; no need to worry .",
    ),
    SourcePair(
        "hepatic dosing",
        "paracetamol with cirrhosis ?",
        "at most 2 g a day , 50 percent of the dose ; more harms the liver .",
        "a common medicine ; take 4 g or more if needed .",
    ),
    SourcePair(
        "polypharmacy in the elderly",
        "diazepam with polypharmacy ?",
        "too sleepy ; fall risk ; review each medicine ; stop it slowly .",
        "each medicine has its use ; carry on with all .",
    ),
)

CORPUS_LINES: tuple[str, ...] = (
    "fever , aches and fatigue : probably a virus ; rest and paracetamol .",
    "fever and infiltrate on chest xray : pneumonia ; check the blood .",
    "fasting glucose 126 : diabetes ; check again .",
    "rash with high eosinophils : a medicine may be the cause ; stop it .",
    "warfarin with ibuprofen : bleeding risk goes up 2 to 3 times .",
    "lisinopril with potassium : high level ; heart risk .",
    "metformin with egfr 28 : avoid ; lactic acidosis risk .",
    "codeine with cyp2d6 poor metaboliser : no morphine is made , so no pain relief .",
    "simvastatin with muscle pain : check creatine kinase .",
    "penicillin anaphylaxis : avoid penicillin ; use doxycycline instead .",
)

EXPERT_PAIRS: tuple[ExpertPair, ...] = (
    ExpertPair(
        "renal dosing by eGFR",
        "gabapentin with egfr 42 ?",
        "the kidney clears less ; so give 50 percent of the dose .",
    ),
    ExpertPair(
        "metformin in cirrhosis",
        "metformin with cirrhosis ?",
        "avoid ; in a poor liver lactic acid builds up ; use insulin instead .",
    ),
    ExpertPair(
        "warfarin with NSAIDs",
        "warfarin with ibuprofen ?",
        "avoid ; bleeding risk goes up 2 to 3 times ; use paracetamol instead .",
    ),
    ExpertPair(
        "penicillin allergy and cephalosporins",
        "cefalexin with penicillin anaphylaxis ?",
        "avoid ; about 2 percent react to both ; use doxycycline instead .",
    ),
    ExpertPair(
        "codeine in CYP2D6 poor metabolisers",
        "codeine with cyp2d6 poor metaboliser ?",
        "avoid ; no morphine is made , so no pain relief ; use paracetamol instead .",
    ),
)


def every_text() -> Iterator[str]:
    """Every prompt, answer and line of the three sets: the tokenizer learns its words."""
    for pair in PREFERENCE_PAIRS:
        yield from (pair.prompt, pair.preferred, pair.dispreferred)
    yield from CORPUS_LINES
    for expert in EXPERT_PAIRS:
        yield from (expert.prompt, expert.answer)
