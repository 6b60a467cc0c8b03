#pragma once
#include <memory>
class Shape {
public:
    explicit Shape(int size) : size(size) {}
    virtual ~Shape() = default;
    virtual int area() const = 0;
    virtual const char *name() const { return "shape"; }
protected:
    int size;
};
class Square : public Shape {
public:
    using Shape::Shape;
    int area() const override;
    const char *name() const override { return "square"; }
};
class Triangle : public Shape {
public:
    using Shape::Shape;
    int area() const override;
    static int made;
};
std::unique_ptr<Shape> make_shape(int corners);
