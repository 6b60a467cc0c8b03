#include "shapes.h"
int Triangle::made = 0;
int Square::area() const {
    int result = size * size;
    return result;
}
int Triangle::area() const {
    int result = size * size / 2;
    return result;
}
std::unique_ptr<Shape> make_shape(int corners) {
    if (corners == 3) {
        Triangle::made++;
        return std::make_unique<Triangle>(6);
    }
    return std::make_unique<Square>(5);
}
