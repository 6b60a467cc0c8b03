        .section .gnu.linkonce.t.shared_function, "ax", @progbits
        .weak shared_function
shared_function: mov $1, %eax
        ret
        .text
        .globl call_one
call_one: jmp shared_function
        .section .note.GNU-stack, "", @progbits
