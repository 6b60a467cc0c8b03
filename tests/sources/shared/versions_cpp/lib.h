namespace ns {
int f(int);
int f(long);
int g(const char *);
struct Shape {
    Shape();
    virtual ~Shape();
    virtual int sides();
};
}
extern "C" int plain(), other();
