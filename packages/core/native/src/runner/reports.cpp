#include "reports.hpp"

#include <cerrno>
#include <string>

#ifdef _WIN32
#    include <io.h>
#else
#    include <unistd.h>
#endif

namespace llamapack {

void reports::tell(const nlohmann::ordered_json & what) noexcept {
    try {
        const std::string line = what.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
        const std::lock_guard<std::mutex> lock(mutex);
        write_all(descriptor, line);
    } catch (...) {
        // a report that there is no memory for
    }
}

void write_all(int descriptor, const std::string & text) noexcept {
    for (size_t done = 0; done < text.size();) {
#ifdef _WIN32
        const int count = _write(descriptor, text.data() + done, static_cast<unsigned>(text.size() - done));
#else
        const ssize_t count = write(descriptor, text.data() + done, text.size() - done);
#endif
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return;
        }
        done += static_cast<size_t>(count);
    }
}

} // namespace llamapack
