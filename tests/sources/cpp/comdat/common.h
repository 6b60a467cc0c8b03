inline int next_number() {
    static int number = 0;
    return ++number;
}
template <class T> T twice(T x) { return x + x; }
template <class T> struct Counted { static int count; };
template <class T> int Counted<T>::count = 0;
inline int make_initial() { return 100; }
inline int inline_variable = make_initial();
struct Interface {
    virtual ~Interface() = default;
    virtual const char *name() { return "interface"; }
};
