        .macro base register            // the address of the GOT, as the large model computes it
1:      lea 1b(%rip), \register
        movabs $_GLOBAL_OFFSET_TABLE_ - 1b, %r11
        add %r11, \register
        .endm

        .text
        .globl read_gotoff, read_got64, read_gotpcrel64, call_pltoff, call_plt32, bases_agree
read_gotoff:
        base %rdx
        movabs $own_data@GOTOFF, %rax
        mov (%rdx, %rax), %rax
        ret
bases_agree:
        base %rdx
        lea _GLOBAL_OFFSET_TABLE_(%rip), %rcx
        xor %eax, %eax
        cmp %rcx, %rdx
        sete %al
        ret
read_got64:
        base %rdx
        movabs $library_variable@GOT, %rax
        mov (%rdx, %rax), %rax
        mov (%rax), %rax
        ret
read_gotpcrel64:
        lea slot(%rip), %rax
        add slot(%rip), %rax
        mov (%rax), %rax
        mov (%rax), %rax
        ret
call_pltoff:
        sub $8, %rsp
        base %rdx
        movabs $library_function@PLTOFF, %rax
        add %rdx, %rax
        call *%rax
        add $8, %rsp
        ret
call_plt32:
        sub $8, %rsp
        call library_function@PLT
        add $8, %rsp
        ret

        .balign 8
slot:   .quad library_variable@GOTPCREL

        .data
        .balign 8
own_data: .quad 33

        .section .note.GNU-stack, "", @progbits
