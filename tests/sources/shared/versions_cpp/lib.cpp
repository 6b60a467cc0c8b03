#include "lib.h"
namespace ns {
int hidden() { return 1; }
int f(int) { return hidden(); }
int f(long) { return 10; }
int g(const char *) { return 2; }
Shape::Shape() {}
Shape::~Shape() {}
int Shape::sides() { return 4; }
}
int plain() { return 3; }
int other() { return 4; }
