// What code that is compiled here calls, and the C library that it is linked for does not have: the headers of a newer one
// and libstdc++.a ask for it. LlamapackLinker.cmake says who links with this. Nothing of it is visible outside.
//
// The list is complete for libstdc++ 12 to 16; a test links all of this machine's. What else is missing stops the linker,
// with its name: add it here, in terms of what the oldest C library has.

#include <stdarg.h>
#include <stddef.h>

#define OURS __attribute__((visibility("hidden")))

// glibc 2.32. True would spare atomic operations as long as there is one thread, which nobody here knows.
OURS char __libc_single_threaded = 0;

// glibc 2.36.
extern int getentropy(void * buffer, size_t length);
extern void abort(void) __attribute__((noreturn));

OURS unsigned int arc4random(void) {
    unsigned int value = 0;
    if (getentropy(&value, sizeof value) != 0) {
        abort();
    }
    return value;
}

// glibc 2.38: numbers in C23 may be binary, 0b101. Its headers call the functions that know them by these names, so the
// older ones are named by their symbols here.
#define NUMBER(type, name)                                                                          \
    extern type older_##name(const char * text, char ** end, int base) __asm__(#name);              \
    OURS type __isoc23_##name(const char * text, char ** end, int base) {                           \
        return older_##name(text, end, base);                                                       \
    }

NUMBER(long, strtol)
NUMBER(unsigned long, strtoul)
NUMBER(long long, strtoll)
NUMBER(unsigned long long, strtoull)

extern int older_vsscanf(const char * text, const char * format, va_list arguments) __asm__("__isoc99_vsscanf");

OURS int __isoc23_sscanf(const char * text, const char * format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int count = older_vsscanf(text, format, arguments);
    va_end(arguments);
    return count;
}
