// A script for gdb in the file itself: 4 says that it is one in Python, and its first line is its name.
#define SCRIPT(flags, name)                                                                            \
    __asm__(".pushsection .debug_gdb_scripts, \"" flags "\", @progbits, 1\n.byte 4\n.ascii \"" name    \
            "\\n\"\n.asciz \"print('script " name "')\\n\"\n.popsection")
