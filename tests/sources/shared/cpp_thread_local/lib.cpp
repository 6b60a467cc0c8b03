#include <atomic>
#include <cstdio>
#include <mutex>
#include "lib.h"

static thread_local const char *who = "nobody";
thread_local Object object;
Object::Object() : name(who) { std::printf("made %s\n", who); }
Object::~Object() { std::printf("ended %s\n", name.c_str()); }
void use(const char *name) {
    who = name;
    object.uses++;
    std::printf("%s: %d %d\n", name, object.uses, object.uses + 1);
    object.uses++;
}
static std::once_flag flag;
static std::atomic<int> count;
void call_once_in_library() {
    std::call_once(flag, [] { count++; });
}
int times() { return count; }
