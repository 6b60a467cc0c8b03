        # The same group, with other flags, sizes and alignments.
        .section .data.shared, "awG", @progbits, signature, comdat
        .p2align 6
        .globl shared_value
        .type shared_value, @object
        .size shared_value, 16
shared_value: .quad 2, 2
        .section .text.shared, "axG", @progbits, signature, comdat
        .globl shared_function
        .type shared_function, @function
shared_function: mov $2, %eax
        ret
        .size shared_function, .-shared_function
        .section .note.GNU-stack, "", @progbits
