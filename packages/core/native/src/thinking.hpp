// Whether a model is thinking, by the tokens that it writes.

#pragma once

#include <cstddef>
#include <vector>

#include "llama.h"

namespace llamapack {

// What stands around thinking; without a start or an end, there is none.
struct thinking_marks {
    std::vector<llama_token>              start;
    std::vector<std::vector<llama_token>> ends;

    bool known() const { return !start.empty() && !ends.empty(); }
};

class thinking_watch {
  public:
    bool inside() const { return thinking; }

    // Take the next token. Returns the end that it completes, or NULL; the longest, where several end with it.
    const std::vector<llama_token> * accept(const thinking_marks & marks, llama_token token);

  private:
    bool                     thinking = false;
    std::vector<llama_token> last; // tokens since the last mark, as many as a mark may have
};

} // namespace llamapack
