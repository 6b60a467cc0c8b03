// irc INPUT.ll TRIPLE OUTPUT.o: what goes in and out; the O2 pipeline of the new pass manager.
#include "tool.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Verifier.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

static void optimise(Module &module, TargetMachine &machine) {
    LoopAnalysisManager loops;
    FunctionAnalysisManager functions;
    CGSCCAnalysisManager components;
    ModuleAnalysisManager modules;
    PassBuilder builder(&machine);
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(components);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, components, modules);
    builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2).run(module, modules);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        errs() << "usage: irc INPUT.ll TRIPLE OUTPUT.o\n";
        return 2;
    }
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmParsers();
    InitializeAllAsmPrinters();

    LLVMContext context;
    SMDiagnostic diagnostic;
    std::unique_ptr<Module> module = parseIRFile(argv[1], diagnostic, context);
    if (!module) {
        diagnostic.print("irc", errs());
        return 1;
    }
    std::unique_ptr<TargetMachine> machine = machine_for(*module, argv[2]);
    if (!machine)
        return 1;
    report(*module, "read");
    optimise(*module, *machine);
    if (verifyModule(*module, &errs()))
        return 1;
    report(*module, "optimised");
    return emit_object(*module, *machine, argv[3]) ? 0 : 1;
}
