// Threads that run into the same code at once, thread_local objects, condition variables, call_once.
#include "parts.h"

#include <atomic>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

static Note note_of_threads("threads.cc");

thread_local int visits = 100;
thread_local std::string mark = "unmarked";

static std::atomic<int> ended{0};
struct Ender { int value = 0; ~Ender() { ended += value; } };
static thread_local Ender ender; // its destructor runs when the thread ends
static thread_local char zeros[4096];

// Sixteen functions that all threads call in the same order, so that they meet at their first touch.
template <int N> __attribute__((noinline)) long step(long x) {
    long y = x * 6364136223846793005L + N;
    for (int i = 0; i < N; i++)
        y ^= (y << 13) ^ (y >> 7);
    return step<N - 1>(y & 0xffffff);
}
template <> long step<0>(long x) { return x; }

int threads() {
    constexpr int count = 8;
    std::mutex mutex;
    std::condition_variable ready;
    bool go = false;
    std::once_flag once;
    std::atomic<int> firsts{0}, wrong{0};
    long results[count] = {};
    std::vector<std::thread> crew;
    mark = "main";
    for (int id = 0; id < count; id++)
        crew.emplace_back([&, id] {
            {
                std::unique_lock<std::mutex> lock(mutex);
                ready.wait(lock, [&] { return go; });
            }
            std::call_once(once, [&] { firsts++; });
            if (visits != 100 || mark != "unmarked" || zeros[id] != 0)
                wrong++;
            visits += id;
            mark += std::to_string(id);
            zeros[id] = 1;
            ender.value = 1;
            results[id] = step<16>(id) + visits;
            try {
                throw Failure(mark, id);
            } catch (const Failure &failure) {
                if (failure.what() != "unmarked" + std::to_string(id))
                    wrong++;
            }
        });
    {
        std::lock_guard<std::mutex> lock(mutex);
        go = true;
    }
    ready.notify_all();
    for (auto &thread : crew)
        thread.join();
    long sum = 0;
    for (long result : results)
        sum += result;
    std::cout << "threads: sum " << sum << ", first " << firsts << ", ended " << ended << ", wrong " << wrong << ", here "
              << visits << ' ' << mark << '\n';
    return static_cast<int>(sum & 0xffff) + ended;
}
