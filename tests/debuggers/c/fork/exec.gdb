#: Args: exec
#: Shows: Catchpoint 1 (exec'd FOLDER/app)
#: Shows: Breakpoint 2, after_exec (x=11)
#: Shows: exited with code 026
catch exec
break after_exec
run
bt
continue
bt
finish
continue
