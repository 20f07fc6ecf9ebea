"""Ask about an image: python examples/llama/images.py MODEL PROJECTOR IMAGE."""

import sys
from typing import Literal

from llamapack import Llama

# Without `projector`, the file beside the model whose name has mmproj in it is used.
with Llama(sys.argv[1], projector=sys.argv[2], ctx_size=2048, parallel=1) as llm:
    print(llm("What is on this image?", images=[sys.argv[3]], max_tokens=20))

    chat = llm.chat(max_tokens=20)
    chat("Before: <__media__> After: <__media__>", images=[sys.argv[3], sys.argv[3]])
    print(chat("What has changed?").usage.cached > 0)

    print(llm("Is it day or night?", images=[sys.argv[3]], returns=Literal["day", "night"]).value)
