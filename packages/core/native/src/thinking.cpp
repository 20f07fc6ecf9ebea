#include "thinking.hpp"

#include <algorithm>

namespace llamapack {

namespace {

using tokens = std::vector<llama_token>;

bool ends_with(const tokens & text, const tokens & mark) {
    return !mark.empty() && mark.size() <= text.size() && std::equal(mark.rbegin(), mark.rend(), text.rbegin());
}

size_t longest(const thinking_marks & marks) {
    size_t length = marks.start.size();
    for (const auto & end : marks.ends) {
        length = std::max(length, end.size());
    }
    return length;
}

} // namespace

const tokens * thinking_watch::accept(const thinking_marks & marks, llama_token token) {
    if (!marks.known()) {
        return nullptr;
    }
    last.push_back(token);
    if (last.size() > longest(marks)) {
        last.erase(last.begin());
    }
    const tokens * found = nullptr;
    if (!thinking) {
        found = ends_with(last, marks.start) ? &marks.start : nullptr;
    } else {
        for (const auto & end : marks.ends) {
            found = ends_with(last, end) && (found == nullptr || found->size() < end.size()) ? &end : found;
        }
    }
    if (found == nullptr) {
        return nullptr;
    }
    thinking = !thinking;
    last.clear();
    return thinking ? nullptr : found;
}

} // namespace llamapack
