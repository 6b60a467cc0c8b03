// A small optimising compiler: parses LLVM IR, runs the O2 pipeline, emits an object file.
#pragma once
#include <memory>
#include <string>

#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

// emit.cc
std::unique_ptr<llvm::TargetMachine> machine_for(llvm::Module &module, const std::string &triple);
bool emit_object(llvm::Module &module, llvm::TargetMachine &machine, const std::string &path);

// report.cc
void report(const llvm::Module &module, const char *when);
