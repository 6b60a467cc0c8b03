//#Flags: -O1 -fnon-call-exceptions -pthread
//#LinkFlags: -pthread
//#Modes: pie nopie static
//#Stdout: deep: 42
//#Stdout: nested: 42
//#Stdout: rethrown: 42
//#Stdout: through qsort: 42
//#Stdout: through bsearch: 42
//#Stdout: in a thread: 42
//#Stdout: from a signal handler: 42
//#Stdout: kept and thrown elsewhere: 42
//#Stdout: destructors on the way: 10
// Exceptions pass through functions of which each is alone in its chunk, with frames, tables and landing pads that
// were never touched.
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <csignal>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

static int destroyed;
struct Guard {
    ~Guard() {
        int x = 1;
        FAR(x);
        destroyed += x;
        FAR(x);
    }
};

// Throws a number from below as many functions as there are levels, each in a chunk of its own.
template <int Level> __attribute__((noinline)) int level(int x) {
    Guard guard;
    FAR(x);
    int result = level<Level - 1>(x);
    FAR(result);
    return result + 1;
}
template <> __attribute__((noinline)) int level<0>(int x) {
    FAR(x);
    throw x;
}
static int caught(int x) {
    try {
        return level<10>(x);
    } catch (int value) {
        FAR(value);
        return value;
    }
}
static int deep() { return caught(42); }
static int nested() {
    try {
        try {
            level<3>(1);
        } catch (int) {
            FAR(destroyed);
            try {
                level<2>(2);
            } catch (int value) {
                std::throw_with_nested(std::runtime_error(std::to_string(value)));
            }
        }
    } catch (const std::exception &error) {
        try {
            std::rethrow_if_nested(error);
        } catch (int value) {
            return value == 2 && error.what() == std::string("2") ? 42 : -1;
        }
    }
    return -2;
}
__attribute__((noinline)) static int again(int x) {
    FAR(x);
    try {
        level<2>(x);
    } catch (int &value) {
        FAR(value);
        value++;
        throw;
    }
    return x;
}
static int rethrown() {
    try {
        again(41);
    } catch (int value) {
        return value;
    }
    return -1;
}
static int compare(const void *, const void *) { return level<1>(42); }
static int through_qsort() {
    int numbers[] = {3, 1, 2};
    try {
        qsort(numbers, 3, sizeof(int), compare);
    } catch (int value) {
        return value;
    }
    return -1;
}
static int through_bsearch() {
    int numbers[] = {3, 1, 2}, wanted = 1;
    try {
        bsearch(&wanted, numbers, 3, sizeof(int), compare);
    } catch (int value) {
        return value;
    }
    return -1;
}
static int in_thread() {
    int result = 0;
    std::thread([&] { result = caught(42); }).join();
    return result;
}
static void on_fault(int) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
    level<1>(42);
}
static int from_handler() {
    signal(SIGSEGV, on_fault);
    try {
        FAR(destroyed);
        return *(volatile int *)8;
    } catch (int value) {
        return value;
    }
}
static int elsewhere() {
    std::exception_ptr kept;
    std::thread([&] {
        try {
            level<2>(42);
        } catch (...) {
            kept = std::current_exception();
        }
    }).join();
    try {
        std::rethrow_exception(kept);
    } catch (int value) {
        return value;
    }
}
static int destructors() {
    caught(1);
    return destroyed;
}

static const struct check checks[] = {
    {"deep", deep},
    {"nested", nested},
    {"rethrown", rethrown},
    {"through qsort", through_qsort},
    {"through bsearch", through_bsearch},
    {"in a thread", in_thread},
    {"from a signal handler", from_handler},
    {"kept and thrown elsewhere", elsewhere},
    {"destructors on the way", destructors},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
