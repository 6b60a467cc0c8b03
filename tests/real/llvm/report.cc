// One line about a module: the source that the benchmark edits.
//
// EDIT 0 and 1 compile to objects of one size with different code; EDIT 2 has a function more.
#include "tool.h"

#include "llvm/Support/raw_ostream.h"

#ifndef EDIT
#define EDIT 0
#endif

using namespace llvm;

#if EDIT == 2 // the edit that grows the object
__attribute__((noinline)) static std::string longest_name(const Module &module) {
    std::string longest;
    for (const Function &function : module)
        if (function.getName().size() > longest.size())
            longest = function.getName().str();
    return longest.empty() ? std::string("a module without a single function in it") : longest;
}
#endif

void report(const Module &module, const char *when) {
    size_t defined = 0, total = 0;
    for (const Function &function : module) {
        defined += !function.isDeclaration();
        for (const BasicBlock &block : function)
            total += block.size();
    }
    outs() << when << ": " << defined << " functions, " << module.global_size() << " globals, " << total
           << " instructions (edit " << 100 + EDIT << ")\n"; // the edit of equal size: another constant
#if EDIT == 2
    outs() << "longest name: " << longest_name(module) << "\n";
#endif
    outs().flush();
}
