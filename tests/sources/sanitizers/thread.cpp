//#Flags: -O1 -fsanitize=thread
//#LinkFlags: -fsanitize=thread
//#Modes: pie
//#Stdout: 200
// Threads without a data race: their sanitizer has nothing to say.
#include <atomic>
#include <cstdio>
#include <thread>

static std::atomic<int> careful;

int main() {
    auto count = [] {
        for (int i = 0; i < 100; i++)
            careful++;
    };
    std::thread first(count), second(count);
    first.join();
    second.join();
    std::printf("%d\n", careful.load());
}
