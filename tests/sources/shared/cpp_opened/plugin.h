struct Shape {
    virtual ~Shape();
    virtual int area() = 0;
    virtual int catches() = 0;
    virtual void fail() = 0;
};
