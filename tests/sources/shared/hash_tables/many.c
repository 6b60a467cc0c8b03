#define S1(n) int symbol_##n = n;
#define S4(t, a, b, c, d) S1(t##a) S1(t##b) S1(t##c) S1(t##d)
#define S10(t) S1(t##0) S1(t##1) S1(t##2) S1(t##3) S1(t##4) S1(t##5) S1(t##6) S1(t##7) S1(t##8) S1(t##9)
#define S100(t) S10(t##0) S10(t##1) S10(t##2) S10(t##3) S10(t##4) S10(t##5) S10(t##6) S10(t##7) S10(t##8) S10(t##9)
S1(0) S1(1) S1(2) S1(3) S1(4) S1(5) S1(6) S1(7) S1(8) S1(9)
S10(1) S10(2) S10(3) S10(4) S10(5) S10(6) S10(7) S10(8) S10(9)
S100(1) S100(2) S100(3)
