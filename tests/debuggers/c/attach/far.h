/* Puts what follows into other chunks. */
#define FAR(value) __asm__ volatile("jmp 1f\n.skip 65536, 0x90\n1:" : "+r"(value))
int never_touched(int x);
