//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#LinkFlags: -pthread
//#Stdout: constructed before main: 3
//#Stdout: threads: 28
//#Stdout: destroyed with their threads: 8
//#Stdout: async: 36, deferred 9, exception: from afar
//#Stdout: once: 1
//#Stdout: thread_local of main destroyed at the end
// The threads of C++, with objects of their own that are constructed and destroyed by code which nobody has touched.
#include "untouched.h"
#include <cstdio>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

static std::mutex lock;
static int destroyed;
UNTOUCHED static void destroy() {
    ALONE;
    std::lock_guard<std::mutex> guard(lock);
    destroyed++;
}
UNTOUCHED static int construct(int value) {
    ALONE;
    return value;
}
struct PerThread {
    int value;
    PerThread() : value(construct(0)) {}
    ~PerThread() { destroy(); }
};
static thread_local PerThread per_thread;

struct OfMain {
    bool used = false;
    ~OfMain() {
        if (used)
            std::puts("thread_local of main destroyed at the end");
    }
};
static thread_local OfMain of_main;

UNTOUCHED static int computed(int x) {
    ALONE;
    return x * x;
}
UNTOUCHED static int throws(int x) {
    ALONE;
    if (x)
        throw std::runtime_error("from afar");
    return x;
}
UNTOUCHED static int early(int x) {
    ALONE;
    return x + 1;
}
static int early_value = [] {
    int value = 0;
    std::thread([&value] { value = early(2); }).join();
    return value;
}();
static std::once_flag flag;
static int calls;
UNTOUCHED static void once() {
    ALONE;
    calls++;
}

int main() {
    std::printf("constructed before main: %d\n", early_value);
    std::vector<std::thread> threads;
    int results[8] = {};
    for (int i = 0; i < 8; i++)
        threads.emplace_back([i, &results] {
            per_thread.value += i;
            results[i] = per_thread.value;
            std::call_once(flag, once);
        });
    int sum = 0;
    for (int i = 0; i < 8; i++) {
        threads[i].join();
        sum += results[i];
    }
    std::printf("threads: %d\n", sum);
    std::printf("destroyed with their threads: %d\n", destroyed);
    auto now = std::async(std::launch::async, computed, 6);
    auto later = std::async(std::launch::deferred, computed, 3);
    auto never = std::async(std::launch::async, throws, 1);
    const char *text = "nothing";
    std::runtime_error error("");
    try {
        never.get();
    } catch (const std::runtime_error &caught) {
        error = caught;
        text = error.what();
    }
    int first = now.get(), second = later.get();
    std::printf("async: %d, deferred %d, exception: %s\n", first, second, text);
    std::printf("once: %d\n", calls);
    of_main.used = true;
    return 0;
}
