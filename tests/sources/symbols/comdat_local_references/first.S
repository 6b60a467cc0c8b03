        .section .text.shared, "axG", @progbits, shared, comdat
        .weak shared
shared: 
.Llocal: mov $7, %eax
        ret
        .text
        .globl from_first
from_first: jmp shared
        .section .debug_mine, "", @progbits
        .quad .Llocal
        .section .note.GNU-stack, "", @progbits
