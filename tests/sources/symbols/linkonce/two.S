        .section .gnu.linkonce.t.shared_function, "ax", @progbits
        .weak shared_function
shared_function: mov $2, %eax
        ret
        .text
        .globl call_two
call_two: jmp shared_function
        .section .note.GNU-stack, "", @progbits
