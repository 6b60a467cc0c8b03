        .section .rodata.shared, "aG", @progbits, signature, comdat
        .globl shared_value
        .type shared_value, @object
        .size shared_value, 8
shared_value: .quad 1
        .section .text.shared, "axG", @progbits, signature, comdat
        .globl shared_function
        .type shared_function, @function
shared_function: mov shared_value(%rip), %rax
        ret
        .size shared_function, .-shared_function
        .section .note.GNU-stack, "", @progbits
