#include <stdexcept>
#include <typeinfo>

struct Error : std::runtime_error {
    int number;
    explicit Error(int number) : std::runtime_error("thrown by a library"), number(number) {}
};
struct Base {
    virtual ~Base() {}
};
struct Derived : Base {
    ~Derived() override;
};
struct Guard {
    ~Guard();
};
void throw_it(int);
void throw_local();
Base *make();
void call_through(void (*)());
void catch_in_library(void (*)());
