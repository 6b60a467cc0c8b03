//#LinkFlags: -nostdlib
//#Modes: pie nopie static
//#Stdout: no libc here
//#Exit: 5
// Neither libc nor start files: nothing prepares anything for this program.
        .text
        .globl _start
_start: mov $1, %eax                    // write(1, message, length)
        mov $1, %edi
        lea message(%rip), %rsi
        mov $length, %edx
        syscall
        mov counter(%rip), %edi
        add pointer(%rip), %rax
        mov $231, %eax                  // exit_group(counter)
        syscall

        .section .rodata
message: .ascii "no libc here\n"
        .set length, . - message

        .data
counter: .long 5
        .balign 8
pointer: .quad message

        .section .note.GNU-stack, "", @progbits
