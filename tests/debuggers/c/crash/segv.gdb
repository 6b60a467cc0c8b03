#: Core: segv
#: Shows: Program terminated with signal SIGSEGV, Segmentation fault.
#: Shows: sum (node=ADDRESS <second>, depth=4)
#: Shows: main (argc=2
#: Shows: "written before the end!"
#: LazyDifference: ^ +ADDRESS <\+\d+>:|/memfd:unfold|^$
# A core has no code that is in a file; the file in memory of the one pager is gone.
bt
frame function die
info args
info locals
print counter
print buffer
print first
print *first.next
info sharedlibrary
print $_siginfo.si_signo
disassemble sum
list sum
thread apply all bt 1
