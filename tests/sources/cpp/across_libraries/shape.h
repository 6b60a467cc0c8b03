#include <stdexcept>
#include <string>

struct Shape {
    virtual ~Shape() = default;
    virtual const char *name() const = 0;
};
struct Circle : Shape { const char *name() const override; };
struct Square : Shape { const char *name() const override; };
struct ShapeError : std::runtime_error { using runtime_error::runtime_error; };

inline int counter = 0;
Shape *make_shape(const std::string &name);
const char *name_of(const Shape &shape);
void call(void (*function)());
std::string call_and_catch(void (*function)());
void count_up();
