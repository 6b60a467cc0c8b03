        .section .text.shared, "axG", @progbits, shared, comdat
        .weak shared
        .byte 0x90
shared: 
local_symbol: mov $7, %eax
        ret
        .text
        .globl from_second
from_second: jmp shared
        .section .debug_mine, "", @progbits
        .quad local_symbol
        .section .note.GNU-stack, "", @progbits
