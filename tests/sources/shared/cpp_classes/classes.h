extern bool quiet;
struct Animal {
    virtual ~Animal();
    virtual const char *name();
    virtual Animal *self();
    virtual int number();
};
struct Swimmer : virtual Animal {
    ~Swimmer() override;
    virtual const char *swim();
    Swimmer *self() override;
    int number() override;
};
struct Flier : virtual Animal {
    ~Flier() override;
    virtual const char *fly();
    int number() override;
    long weight = 3;
};
