//#Flags: -std=c++20 -O1
//#Modes: pie nopie
//#Stdout: 0 1 1 2 3 5 8
#include <coroutine>
#include <cstdio>

struct Generator {
    struct promise_type {
        int value;
        Generator get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(int next) { value = next; return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
    std::coroutine_handle<promise_type> handle;
    ~Generator() { handle.destroy(); }
    int next() { handle.resume(); return handle.promise().value; }
};

static Generator fibonacci() {
    for (int a = 0, b = 1;; b += a, a = b - a)
        co_yield a;
}

int main() {
    Generator numbers = fibonacci();
    for (int i = 0; i < 7; i++)
        std::printf("%d%c", numbers.next(), i < 6 ? ' ' : '\n');
}
