"""Talk, go back, try another way, and go on later: python examples/llama/conversation.py MODEL."""

import sys
import tempfile
from pathlib import Path

from llamapack import Llama

with Llama(sys.argv[1], ctx_size=2048, parallel=1, on_overflow="drop-oldest") as llm:
    chat = llm.chat(system="Be brief.", max_tokens=20, temperature=0)
    chat("My name is Ada.")
    other = chat.fork()
    print(chat("What is my name?"))
    print(other("Say something else."))
    chat.undo()
    print(len(chat.messages), len(other.messages))

    with tempfile.TemporaryDirectory() as folder:
        chat.save(Path(folder) / "ada.chat", state=True)
        later = llm.load_chat(Path(folder) / "ada.chat", max_tokens=20)
        print(later("What is my name?").usage.cached > 0)
