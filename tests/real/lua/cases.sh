# What run.sh does with the Lua interpreter: a script, standard input, and errors.
MODES="pie nopie static static-pie"
execute() {
    cp "$HERE/lua/script.lua" .
    step script "$1" script.lua a b
    step_with script.lua stdin "$1" - one
    step error "$1" -e 'local function f(n) if n == 0 then error("uncaught") end f(n - 1) end f(30)'
    step usage "$1" -x
}
