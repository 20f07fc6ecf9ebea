#include "process.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <utility>

#include "../status.hpp"

#ifdef _WIN32
#    include <fcntl.h>
#    include <io.h>
#    include <windows.h>
#else
#    include <cerrno>
#    include <csignal>
#    include <dlfcn.h>
#    include <fcntl.h>
#    include <poll.h>
#    include <unistd.h>
#endif

namespace {

constexpr int standard_input  = 0;
constexpr int standard_output = 1;
constexpr int standard_error  = 2;

// How many bytes were read, none at the end, and at errors too: there is nobody then.
size_t read_some(char * to, size_t size) {
#ifdef _WIN32
    const int count = _read(standard_input, to, static_cast<unsigned>(size));
#else
    ssize_t count = 0;
    do {
        count = read(standard_input, to, size);
    } while (count < 0 && errno == EINTR);
#endif
    return count < 0 ? 0 : static_cast<size_t>(count);
}

#ifndef _WIN32

constexpr int between_looks_ms = 1000;

#endif

// Lines, out of bytes as they come.
class line_reader {
  public:
    explicit line_reader(std::function<void(const std::string &)> said) : said(std::move(said)) {}

    // Take one more byte; false at the end.
    bool take() {
        char byte = 0;
        if (read_some(&byte, 1) == 0) {
            return false;
        }
        if (byte == '\n') {
            said(std::exchange(line, ""));
        } else {
            line += byte;
        }
        return true;
    }

  private:
    std::function<void(const std::string &)> said;
    std::string                              line;
};

#ifndef _WIN32

// A pipe may be held open by a process that the supervisor forked; so the parent is looked at, too.
void read_until_end_of_supervisor(pid_t parent, line_reader & lines) {
    while (getppid() == parent) {
        pollfd input = { standard_input, POLLIN, 0 };
        if (poll(&input, 1, between_looks_ms) > 0 && !lines.take()) {
            return;
        }
    }
}

#endif

} // namespace

namespace llamapack {

int take_over_standard_output() {
#ifdef _WIN32
    _setmode(standard_input, _O_BINARY);
    const int kept = _dup(standard_output);
    if (kept < 0 || _dup2(standard_error, standard_output) != 0) {
        throw std::runtime_error("standard output cannot be used");
    }
    _setmode(kept, _O_BINARY);
#else
    const int kept = fcntl(standard_output, F_DUPFD_CLOEXEC, standard_error + 1);
    if (kept < 0 || dup2(standard_error, standard_output) < 0) {
        throw std::runtime_error("standard output cannot be used");
    }
#endif
    return kept;
}

std::string read_line_of_standard_input() {
    std::string line;
    for (char byte = 0; byte != '\n'; line += byte) {
        if (read_some(&byte, 1) == 0) {
            throw invalid_input("standard input ended before a line of JSON");
        }
    }
    line.pop_back();
    return line;
}

void forget_variable(const char * name) {
#ifdef _WIN32
    _putenv_s(name, "");
#else
    unsetenv(name);
#endif
}

void remove_socket(const std::string & host, bool own_folder) noexcept {
    try {
        const std::filesystem::path socket = std::filesystem::u8path(host);
        if (socket.extension() == ".sock") { // by which upstream knows them
            std::error_code ignored;
            std::filesystem::remove(socket, ignored);
            if (own_folder) {
                std::filesystem::remove(socket.parent_path(), ignored);
            }
        }
    } catch (...) {
        // a path that there is no memory for
    }
}

#ifdef _WIN32

void listen_to_supervisor(std::function<void(const std::string & line)> said, std::function<void()> ended) {
    std::thread([said = std::move(said), ended = std::move(ended)] {
        line_reader lines(said);
        while (lines.take()) {
        }
        ended();
    }).detach();
}

static std::function<void()> asked_to_terminate;

static BOOL WINAPI on_console_event(DWORD event) {
    if (event == CTRL_BREAK_EVENT || event == CTRL_CLOSE_EVENT) {
        asked_to_terminate();
    }
    return TRUE;
}

void on_terminate(std::function<void()> asked) {
    asked_to_terminate = std::move(asked);
    SetConsoleCtrlHandler(on_console_event, TRUE);
}

std::string library_folder() {
    HMODULE module = nullptr;
    wchar_t path[32768];
    const DWORD flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    if (!GetModuleHandleExW(flags, reinterpret_cast<LPCWSTR>(&library_folder), &module) ||
        GetModuleFileNameW(module, path, 32768) == 0) {
        throw std::runtime_error("the system does not say where libllamapack is");
    }
    return std::filesystem::path(path).parent_path().u8string();
}

#else

void listen_to_supervisor(std::function<void(const std::string & line)> said, std::function<void()> ended) {
    const pid_t parent = getppid();
    std::thread([parent, said = std::move(said), ended = std::move(ended)] {
        line_reader lines(said);
        read_until_end_of_supervisor(parent, lines);
        ended();
    }).detach();
}

void on_terminate(std::function<void()> asked) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    sigset_t terminate;
    sigemptyset(&terminate);
    sigaddset(&terminate, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &terminate, nullptr); // for the threads to come, too
    std::thread([terminate, asked = std::move(asked)] {
        for (int number = 0; sigwait(&terminate, &number) == 0;) {
            asked();
        }
    }).detach();
}

std::string library_folder() {
    Dl_info found = {};
    if (dladdr(reinterpret_cast<const void *>(&library_folder), &found) == 0 || found.dli_fname == nullptr) {
        throw std::runtime_error("the system does not say where libllamapack is");
    }
    return std::filesystem::canonical(found.dli_fname).parent_path().string();
}

#endif

} // namespace llamapack
