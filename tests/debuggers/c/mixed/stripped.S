        .text
        .globl by_hand
        .type by_hand, @function
by_hand:
        lea 7(%rdi), %eax
        ret
        .size by_hand, . - by_hand
        .section .note.GNU-stack, "", @progbits
