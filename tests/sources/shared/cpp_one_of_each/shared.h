inline int counter = 0, made = 0;
struct Once {
    Once() { made++; }
    ~Once() {}
};
inline Once &once() {
    static Once object;
    return object;
}
template <class T> struct Box {
    static T member;
};
template <class T> T Box<T>::member = 4;
struct Thing {
    virtual int number() { return 1; }
};
inline int function() { return counter; }
inline int (*address())() { return function; }
struct View {
    int counter;
    Once *once;
    int member;
    int (*function)();
    Thing *thing;
};
View *a();
View *b();
#define DEFINE(name)                                                                                       \
    View *name() { return new View{++counter, &once(), ++Box<int>::member, address(), new Thing}; }
