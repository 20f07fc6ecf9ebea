#include "slot_files.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "../status.hpp"
#include "ggml.h"
#include "llama.h"

extern "C" {
#include "hash/sha256/sha256.h"
#include "hash/xxhash/xxhash.h"
}

namespace {

constexpr size_t most_at_once = 1u << 20;

using digest      = std::array<unsigned char, SHA256_DIGEST_SIZE>;
using file_handle = std::unique_ptr<FILE, int (*)(FILE *)>;

// What is behind llama.cpp's data, which reads no further. `content` is XXH64: it finds damage as SHA-256 would, and is
// faster than disks, while SHA-256 in plain C would take longer than to read the file.
struct seal {
    char     mark[16] = { 'l', 'l', 'a', 'm', 'a', 'p', 'a', 'c', 'k', ' ', 's', 'l', 'o', 't', ' ', '2' };
    digest   model    = {};
    uint64_t content  = 0;
};

constexpr size_t seal_size = sizeof(seal);
static_assert(seal_size == 16 + SHA256_DIGEST_SIZE + 8, "a seal is written as it is in memory");

file_handle open(const std::string & path, const char * mode) {
    return { ggml_fopen(path.c_str(), mode), std::fclose };
}

digest digest_of(const std::string & text) {
    digest result;
    sha256_hash(result.data(), reinterpret_cast<const unsigned char *>(text.data()), text.size());
    return result;
}

using reads_text = int32_t (*)(const llama_model *, int32_t, char *, size_t);

std::string text_of(const llama_model * model, int32_t index, reads_text read) {
    const int32_t size = std::max(0, read(model, index, nullptr, 0));
    std::string   text(static_cast<size_t>(size) + 1, '\0');
    read(model, index, text.data(), text.size());
    return text;
}

// Tells models apart as far as their metadata does: reading all weights would take too long.
digest digest_of(const llama_model * model) {
    std::string all = std::to_string(llama_model_n_params(model)) + ' ' + std::to_string(llama_model_size(model));
    for (int32_t index = 0; index < llama_model_meta_count(model); ++index) {
        all += text_of(model, index, llama_model_meta_key_by_index);
        all += text_of(model, index, llama_model_meta_val_str_by_index);
    }
    return digest_of(all);
}

// What a file holds, but for a seal at its end.
class content {
  public:
    explicit content(FILE * file) : file(file), state(XXH64_createState(), XXH64_freeState) {
        if (state == nullptr || XXH64_reset(state.get(), 0) != XXH_OK) {
            throw std::bad_alloc();
        }
    }

    // Read to the end; returns the last bytes, at most as many as a seal has, which are not in the digest.
    std::vector<unsigned char> read() {
        std::vector<unsigned char> held;
        std::vector<unsigned char> block(most_at_once);
        while (const size_t count = std::fread(block.data(), 1, block.size(), file)) {
            held.insert(held.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
            const size_t done = held.size() - std::min(held.size(), seal_size);
            add(held.data(), done);
            held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(done));
        }
        if (std::ferror(file) != 0) {
            throw std::runtime_error("the file of the slot cannot be read");
        }
        return held;
    }

    void add(const unsigned char * data, size_t size) { XXH64_update(state.get(), data, size); }

    uint64_t sum() const { return XXH64_digest(state.get()); }

  private:
    FILE *                                                      file;
    std::unique_ptr<XXH64_state_t, XXH_errorcode (*)(XXH64_state_t *)> state;
};

} // namespace

namespace llamapack {

void seal_slot_file(const std::string & path, const llama_model * model) {
    const file_handle file = open(path, "r+b");
    if (file == nullptr) {
        throw std::runtime_error("the file of the slot is gone: " + path);
    }
    content    all(file.get());
    const auto rest = all.read();
    all.add(rest.data(), rest.size());
    seal written;
    written.model   = digest_of(model);
    written.content = all.sum();
    // between reading and writing, C wants a seek
    if (std::fseek(file.get(), 0, SEEK_END) != 0 || std::fwrite(&written, seal_size, 1, file.get()) != 1 ||
        std::fflush(file.get()) != 0) {
        throw std::runtime_error("the file of the slot cannot be written: " + path);
    }
}

void check_slot_file(const std::string & path, const llama_model * model) {
    const file_handle file = open(path, "rb");
    if (file == nullptr) {
        throw invalid_input("there is no file of a slot " + path);
    }
    content    all(file.get());
    const auto end = all.read();
    seal       found;
    const seal fresh;
    if (end.size() == seal_size) {
        std::memcpy(&found, end.data(), seal_size);
    }
    if (end.size() != seal_size || std::memcmp(found.mark, fresh.mark, sizeof(fresh.mark)) != 0 ||
        found.content != all.sum()) {
        throw invalid_input("the file of the slot is damaged, or no engine of llamapack saved it: " + path);
    }
    if (found.model != digest_of(model)) {
        throw invalid_input("the file of the slot was saved with another model: " + path);
    }
}

} // namespace llamapack
