-- Exercises Lua's library with the same output every time: nothing here prints an address, a clock
-- reading, or the order of a table's keys.
local function sorted(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

local function show(name, ...) print(name, ...) end

-- string
show("format", string.format("%5d|%-8s|%08.3f|%x|%q|%g|%a|%c|%i|%%", 42, "left", math.pi, 48879, 'a "quoted"\nline', 1e100, 0.5, 65, -7))
show("find", ("the quick brown fox"):find("(%a+) (%a+)$"))
show("gsub", ("hello world"):gsub("o", {o = "0"}), (("abc"):gsub("%w", "%0%0")), (("x = 1, y = 2"):gsub("(%w+) = (%w+)", "%2 = %1", 1)))
show("gmatch", (function() local r = {} for k, v in ("a=1, b=2, c=3"):gmatch("(%w+)=(%w+)") do r[#r + 1] = v .. k end return table.concat(r, ";") end)())
show("balance", ("f(a(b)c)d"):match("%b()"), ("THE (quick) fox"):find("%((%a+)%)"), ("  trim me  "):match("^%s*(.-)%s*$"), ("hello"):match("%f[%w]%w+"))
show("bytes", ("ABC"):byte(1, -1), string.char(76, 117, 97), ("x"):rep(5, "-"), ("stressed"):reverse(), ("MiXeD"):upper(), ("MiXeD"):lower(), #"\0\0")
show("pack", string.pack("<i4 >i2 z s1 d", 100000, -2, "zero", "short", 1.5):byte(1, -1))
show("unpack", string.unpack("<i4 >i2 z", string.pack("<i4 >i2 z", 7, 8, "nine")), string.packsize("i4 i8 !8 d"))
show("dump", load(string.dump(function(a, b) return a * b + 1 end))(6, 7))

-- table
local list = {5, 2, 8, 1, 9, 3}
table.sort(list); show("sort", table.concat(list, " "))
table.sort(list, function(a, b) return a > b end); show("reverse", table.concat(list, " ", 2, 4))
table.insert(list, 1, 100); table.insert(list, 7); show("remove", table.remove(list), table.remove(list, 1), #list)
show("move", table.concat(table.move({1, 2, 3}, 1, 3, 3, {9, 9}), ","), table.unpack({1, 2, 3}, 2), select("#", nil, nil), select(-1, 1, 2, 3))
show("pack", table.pack(1, nil, 3).n)

-- math, integers and floats
show("math", math.floor(-3.5), math.ceil(3.2), math.fmod(-7, 3), -7 % 3, -7 // 2, 7 // 2.0, 2 ^ 10, math.max(3, 9, 4), math.min(2.5, 1))
show("int", math.maxinteger, math.mininteger, math.maxinteger + 1 == math.mininteger, math.tointeger(3.0), math.type(1), math.type(1.0), math.ult(1, -1), 3 | 4, 7 & 2, 5 ~ 1, ~0, 1 << 62, -1 >> 60)
show("float", 0.1 + 0.2, 1 / 0, -1 / 0, 0 / 0 ~= 0 / 0, math.huge, 1e15, 123456789012.5, 2 ^ 53, math.sqrt(2), math.exp(1), math.log(8, 2), math.sin(1), math.abs(-3))
show("read", tonumber("0x1p4"), tonumber("  12  "), tonumber("z", 36), tonumber("8", 8), "10" + 5, "3" * "4", 10 .. 20)
math.randomseed(42, 7); show("random", math.random(1000), math.random(5, 6) >= 5, math.random() < 1)

-- metatables, inheritance, closures, goto
local Vector = {}
Vector.__index = Vector
Vector.__add = function(a, b) return setmetatable({x = a.x + b.x, y = a.y + b.y}, Vector) end
Vector.__eq = function(a, b) return a.x == b.x and a.y == b.y end
Vector.__lt = function(a, b) return a.x < b.x end
Vector.__le = function(a, b) return a.x <= b.x end
Vector.__tostring = function(v) return "(" .. v.x .. ", " .. v.y .. ")" end
Vector.__len = function() return 2 end
Vector.__call = function(self, k) return self[k] end
Vector.__concat = function(a, b) return tostring(a) .. "&" .. tostring(b) end
Vector.__close = function(v) show("closed", tostring(v)) end
local a, b = setmetatable({x = 1, y = 2}, Vector), setmetatable({x = 3, y = 4}, Vector)
show("vector", tostring(a + b), a == b, a < b, a <= b, #a, a("y"), a .. b)
do local held <close> = a; local fixed <const> = 5; show("held", fixed) end
local proxy = setmetatable({}, {__index = function(_, k) return k .. "!" end, __newindex = function(t, k, v) rawset(t, k, v * 2) end})
proxy.n = 21; show("proxy", proxy.n, proxy.other, rawlen({1, 2}), rawequal(proxy, proxy), rawget(proxy, "none"))
for i = 1, 3 do for j = 1, 3 do if j == 2 then goto next end; show("goto", i, j) ::next:: end end

-- coroutines
local function walk(tree) if tree then walk(tree[1]); coroutine.yield(tree[2]); walk(tree[3]) end end
local seen = {}
for v in coroutine.wrap(function() walk({{{nil, 1}, 2, {nil, 3}}, 4, {{nil, 5}, 6}}) end) do seen[#seen + 1] = v end
show("coroutine", table.concat(seen, " "))
local co = coroutine.create(function(x) local y = coroutine.yield(x + 1); error({code = y}) end)
show("resume", coroutine.resume(co, 1)); local ok, e = coroutine.resume(co, 99)
show("dead", ok, e.code, coroutine.status(co), coroutine.resume(co)); show("close", coroutine.close(co), coroutine.isyieldable())

-- errors and tracebacks
show("pcall", pcall(error, "plain", 0)); show("arith", pcall(function() return 1 + {} end)); show("index", pcall(function() local t; return t.x end))
show("nested", pcall(function() local ok, m = pcall(error, {1}); error("outer " .. type(m), 2) end))
show("xpcall", xpcall(function() local function deep(n) if n == 0 then error("bottom") end; return 1 + deep(n - 1) end; return deep(40) end,
  function(m) return m .. " / " .. select(2, debug.traceback(m):gsub("\n", "")) .. " lines" end))
show("overflow", (select(2, pcall(function() local function f() return 1 + f() end; return f() end)):match("stack overflow")))
show("syntax", load("x = = 1", "chunk")); show("env", load("return y", "c", "t", {y = 5})()); show("number", pcall(string.rep))
show("debug", debug.getinfo(show, "S").what, debug.getinfo(1, "l").currentline, (debug.getlocal(1, 1)))

-- utf8
show("utf8", utf8.char(72, 228, 8364, 128512), utf8.len("näïve€"), utf8.codepoint("€", 1), utf8.offset("aä€", 3), utf8.len("\xff"))
for p, c in utf8.codes("aä€") do show("code", p, c) end

-- io and os
local f = assert(io.open("lua.txt", "w")); f:setvbuf("full"); f:write("first\n", 2, "\n", 3.5, "\nlast line"); show("seek", f:seek("cur"), f:seek("set", 2)); f:close()
for line in io.lines("lua.txt") do show("line", line) end
f = io.open("lua.txt"); show("read", f:read("l", "n", "n", "l", "a")); show("end", f:read("a"), f:read("l"), io.type(f)); f:close(); show("type", io.type(f))
show("missing", io.open("no/such/file")); os.rename("lua.txt", "renamed.txt"); show("rename", os.remove("lua.txt"))
local p = io.popen("echo from a child; exit 3"); show("popen", p:read("a")); show("status", p:close()); show("execute", os.execute("exit 4"))
show("date", os.date("!%Y-%m-%d %H:%M:%S", 86400 * 365), os.time({year = 2024, month = 2, day = 30, hour = 12}) > 0, os.getenv("SURELY_NOT_SET"), os.setlocale("C"))
show("require", pcall(require, "surely.not.there") == false, package.config:sub(1, 1), type(package.searchers), #sorted(package.loaded))
package.preload.own = function(name) return {name = name} end; show("preload", require("own").name)

-- garbage: many short-lived objects, weak tables, finalisers
local weak, finals = setmetatable({}, {__mode = "k"}), 0
for i = 1, 2000 do weak[{}] = i; setmetatable({}, {__gc = function() finals = finals + 1 end}) end
collectgarbage(); collectgarbage(); show("gc", next(weak), finals, collectgarbage("isrunning"), collectgarbage("generational"), collectgarbage("incremental"))

-- something to compute: a sieve, queens, a string buffer, a memo table
local function queens(n) local count, cols, d1, d2 = 0, {}, {}, {}
  local function place(r) if r > n then count = count + 1 return end
    for c = 1, n do if not (cols[c] or d1[r + c] or d2[r - c + n]) then
      cols[c], d1[r + c], d2[r - c + n] = true, true, true; place(r + 1); cols[c], d1[r + c], d2[r - c + n] = nil, nil, nil end end end
  place(1); return count end
local sieve, primes = {}, 0
for i = 2, 20000 do if not sieve[i] then primes = primes + 1; for j = i * i, 20000, i do sieve[j] = true end end end
local memo = setmetatable({}, {__index = function(t, n) local v = n < 2 and n or t[n - 1] + t[n - 2]; t[n] = v; return v end})
local words = {} for i = 1, 3000 do words[i] = ("%d:%s"):format(i, ("ab"):rep(i % 4)) end
show("work", queens(8), primes, memo[80], #table.concat(words), table.concat(sorted({one = 1, two = 2, three = 3}), " "))

print(...)
io.stderr:write("to stderr\n"); warn("@on"); warn("a ", "warning")
setmetatable({}, {__gc = function() io.write("finaliser at exit\n") end})
os.exit(select("#", ...) == 2 and 7 or 1, true)
