// Reports to the supervisor: lines of JSON.

#pragma once

#include <mutex>

#include <nlohmann/json.hpp>

namespace llamapack {

class reports {
  public:
    explicit reports(int descriptor) : descriptor(descriptor) {}
    reports(const reports &) = delete;
    reports & operator=(const reports &) = delete;

    // A supervisor that does not listen any more is no error.
    void tell(const nlohmann::ordered_json & what) noexcept;

  private:
    const int  descriptor;
    std::mutex mutex;
};

// Write all of `text` to a descriptor; errors are passed over.
void write_all(int descriptor, const std::string & text) noexcept;

} // namespace llamapack
