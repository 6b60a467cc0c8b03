        .globl bare
        .type bare, @function
bare:   mov $9, %eax
        ret
        .section .note.GNU-stack, "", @progbits
