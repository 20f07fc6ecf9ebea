// What a process has once: standard streams, a supervisor, signals.

#pragma once

#include <functional>
#include <string>

namespace llamapack {

// Keep standard output for reports: what is printed goes to standard error from now on. Returns the descriptor.
int take_over_standard_output();

// One line of standard input, without its end; nothing is read that is behind it. Throws invalid_input where it ends before.
std::string read_line_of_standard_input();

// Call `said` with each further line of standard input, and `ended` when that ends, or the parent process does; on a thread
// of its own.
void listen_to_supervisor(std::function<void(const std::string & line)> said, std::function<void()> ended);

// Call `asked` whenever the process is to terminate (SIGTERM; on Windows Ctrl-Break, and the console being closed), on a
// thread of its own. What a terminal sends to all of its processes is left to the supervisor. To be called before other
// threads are started.
void on_terminate(std::function<void()> asked);

// For threads that are yet to come; what others read at the same time is undefined.
void forget_variable(const char * name);

// Remove the Unix socket at `host`, if that is one, and with `own_folder` its folder, if nothing else is in it.
void remove_socket(const std::string & host, bool own_folder) noexcept;

// The folder with this library, in UTF-8.
std::string library_folder();

} // namespace llamapack
