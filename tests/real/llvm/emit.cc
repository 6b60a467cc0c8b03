// Code generation: finds the target for a triple, and writes the object file.
#include "tool.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

std::unique_ptr<TargetMachine> machine_for(Module &module, const std::string &triple) {
    std::string error;
    const Target *target = TargetRegistry::lookupTarget(triple, error);
    if (!target) {
        errs() << "irc: " << error << "\n";
        return nullptr;
    }
    std::unique_ptr<TargetMachine> machine(
        target->createTargetMachine(triple, "", "", TargetOptions(), Reloc::PIC_));
    module.setTargetTriple(triple);
    module.setDataLayout(machine->createDataLayout());
    // What the C compiler said about its own processor means nothing to another one.
    for (Function &function : module) {
        function.removeFnAttr("target-cpu");
        function.removeFnAttr("target-features");
        function.removeFnAttr("tune-cpu");
    }
    return machine;
}

bool emit_object(Module &module, TargetMachine &machine, const std::string &path) {
    std::error_code failure;
    raw_fd_ostream out(path, failure, sys::fs::OF_None);
    if (failure) {
        errs() << "irc: " << path << ": " << failure.message() << "\n";
        return false;
    }
    legacy::PassManager passes;
    if (machine.addPassesToEmitFile(passes, out, nullptr, CGFT_ObjectFile)) {
        errs() << "irc: this target emits no object files\n";
        return false;
    }
    passes.run(module);
    return true;
}
