#include <string>
struct Object {
    std::string name;
    int uses = 0;
    Object();
    ~Object();
};
extern thread_local Object object;
void use(const char *);
void call_once_in_library();
int times();
