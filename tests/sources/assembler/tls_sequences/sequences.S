        .text
        .globl gd_plt, gd_got, ld_plt, ld_got, ie_mov, ie_add, le_data
gd_plt: sub $8, %rsp
        .byte 0x66
        lea v0@tlsgd(%rip), %rdi
        .value 0x6666
        rex64
        call __tls_get_addr@PLT
        mov (%rax), %eax
        add $8, %rsp
        ret
gd_got: sub $8, %rsp
        .byte 0x66
        lea v1@tlsgd(%rip), %rdi
        .byte 0x66
        rex64
        call *__tls_get_addr@GOTPCREL(%rip)
        mov (%rax), %eax
        add $8, %rsp
        ret
ld_plt: sub $8, %rsp
        lea local2@tlsld(%rip), %rdi
        call __tls_get_addr@PLT
        mov local2@dtpoff(%rax), %eax
        add $8, %rsp
        ret
ld_got: sub $8, %rsp
        lea local3@tlsld(%rip), %rdi
        call *__tls_get_addr@GOTPCREL(%rip)
        lea local3@dtpoff(%rax), %rcx
        mov (%rcx), %eax
        add $8, %rsp
        ret
ie_mov: mov v4@gottpoff(%rip), %r9
        mov %fs:(%r9), %eax
        ret
ie_add: mov %fs:0, %rcx
        add v5@gottpoff(%rip), %rcx
        mov (%rcx), %eax
        ret
le_data: mov offset(%rip), %rdx
        mov %fs:(%rdx), %eax
        ret

        .section .data.rel.ro, "aw", @progbits
        .balign 8
offset: .quad v6@tpoff

        .section .tdata, "awT", @progbits
        .balign 4
local2: .long 102
local3: .long 103

        .section .note.GNU-stack, "", @progbits
