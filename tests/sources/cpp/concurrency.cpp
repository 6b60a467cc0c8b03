//#Flags: -O1 -pthread
//#Compiler: g++ clang++
//#Modes: pie nopie static
//#Stdout: counted 40000
//#Stdout: passed on: 499500
//#Stdout: futures: 30, exception: from another thread
//#Stdout: once: 1
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <mutex>
#include <queue>
#include <stdexcept>
#include <thread>
#include <vector>

int main() {
    std::mutex mutex;
    long counter = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            for (int j = 0; j < 10000; j++) {
                std::lock_guard<std::mutex> lock(mutex);
                counter++;
            }
        });
    for (auto &thread : threads)
        thread.join();
    std::printf("counted %ld\n", counter);

    std::queue<int> queue;
    std::condition_variable filled;
    long sum = 0;
    std::thread consumer([&] {
        for (int taken = 0; taken < 1000; taken++) {
            std::unique_lock<std::mutex> lock(mutex);
            filled.wait(lock, [&] { return !queue.empty(); });
            sum += queue.front();
            queue.pop();
        }
    });
    for (int i = 0; i < 1000; i++) {
        std::lock_guard<std::mutex> lock(mutex);
        queue.push(i);
        filled.notify_one();
    }
    consumer.join();
    std::printf("passed on: %ld\n", sum);

    auto ten = std::async(std::launch::async, [] { return 10; });
    auto twenty = std::async(std::launch::deferred, [] { return 20; });
    auto failing = std::async(std::launch::async, []() -> int { throw std::runtime_error("from another thread"); });
    int total = ten.get() + twenty.get();
    try {
        failing.get();
    } catch (const std::exception &error) {
        std::printf("futures: %d, exception: %s\n", total, error.what());
    }

    std::once_flag flag;
    std::atomic<int> times{0};
    std::thread a([&] { std::call_once(flag, [&] { times++; }); });
    std::thread b([&] { std::call_once(flag, [&] { times++; }); });
    a.join(), b.join();
    std::printf("once: %d\n", times.load());
}
