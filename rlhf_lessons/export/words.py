"""The course's tokenizer as one of transformers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer as WordTokenizer
from tokenizers import models, pre_tokenizers, processors

from rlhf_lessons import files
from rlhf_lessons.model.sequences import BOS_ID
from rlhf_lessons.world.tokenizer import BOS, EOS, PAD, course_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# `<bos> prompt` of a question, `<bos> prompt answer <eos>` of a question with its answer.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %} {{ message['content'] }}"
    "{% if message['role'] == 'assistant' %} {{ eos_token }}{% endif %}{% endfor %}"
)
FILE = "tokenizer.json"


def to_fast_tokenizer(context: int) -> "PreTrainedTokenizerFast":
    """The tokenizer of the course, for texts of at most `context` tokens. A word that it does not know is an error.

    It pads on the right, as training and rewards need it: GPT-2 counts positions from the left edge. Whoever
    generates in batches pads on the left, as TRL does, where transformers counts them right.
    """
    from transformers import PreTrainedTokenizerFast

    words = WordTokenizer(models.WordLevel(dict(course_tokenizer().ids)))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, BOS_ID)])
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        padding_side="right",
        model_max_length=context,
        model_input_names=["input_ids", "attention_mask"],  # GPT-2 would add up the embeddings of token types
        chat_template=CHAT_TEMPLATE,
    )


def check_words(folder: Path) -> None:
    """Raise ValueError unless the tokenizer in a folder has the course's words."""
    path = folder / FILE
    if not path.is_file():
        raise ValueError(f"tokenizer: {str(path)!r} is missing; it must be the one that `rlhf-lessons export` wrote")
    tokenizer: Any = files.parse_json(files.read_text(path), repr(str(path)))
    try:
        vocabulary = tokenizer["model"]["vocab"]
    except (KeyError, TypeError):
        vocabulary = None
    if vocabulary != course_tokenizer().ids:
        raise ValueError(f"tokenizer: the words of {str(path)!r} are not those of the course, which they must be")
