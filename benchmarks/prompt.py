"""A prompt of an exact number of tokens, to which models give a long answer."""

from __future__ import annotations

from llamapack import Vocab

_TEXT = """The harbour was quiet in the morning, and the boats lay still. A woman walked along the wall and counted
them, as she did every day. There were twelve, and each had a name painted on its bow in white letters. She knew who had
built them, and when, and which of them had been out in the great storm. Children came down from the village and asked
her for stories. She sat down on a coil of rope, looked out over the water and began to tell. """


def prompt(vocab: Vocab, count: int) -> str:
    """Return a text of `count` tokens, special ones included."""
    words = (_TEXT.replace("\n", " ") * (1 + count // 60)).split(" ")
    text = ""
    for word in words:
        longer = f"{text} {word}".lstrip()
        if len(vocab.tokenize(longer)) > count:
            break
        text = longer
    while len(vocab.tokenize(text)) < count:
        text += ","
    if (found := len(vocab.tokenize(text))) != count:
        raise ValueError(f"No text of {count} tokens was found, only one of {found}.")
    return text
