//! What is in the linker's own sections, once there are addresses. Contents that follow a symbol which a relink
//! may move are edits.

use super::{Part, Placed, SYMBOL, Synth, definition_addr, notes, rela};
use crate::layout::Layout;
use crate::object::build::RecordBuilder;
use crate::resolve::needs::{GotKind, stays_zero};
use crate::resolve::{OfSymbols, Resolution};
use object::elf;
use shared::ImageAddr;
use shared::edit::Kind;
use shared::guards::GUARDS;
use shared::plan::{HOOKS, PLT_ENTRY, Slot, slot};
use shared::record::{Edit, NONE, SymRef};
use std::os::unix::ffi::OsStrExt;

impl Synth<'_> {
    pub(super) fn add_edits(
        &self,
        builder: &mut RecordBuilder<'_>,
        symref_of: &OfSymbols<u32>,
        spare: &[u32],
    ) {
        let mut local = |part: Part| {
            let section = *self.section_of.get(&part)?;
            Some(builder.add_symref(SymRef { section, global: 0, value: 0 }))
        };
        let (got_plt, hooks, plt) = (local(Part::GotPlt), local(Part::Hooks), local(Part::Plt));
        let (stubs, dynamic, got_table) = (local(Part::PltLazy), local(Part::Dynamic), local(Part::Got));
        let mut put = |part: Part, edits: Vec<Edit>| {
            if let Some(section) = self.section_of.get(&part) {
                builder.set_edits(*section, edits);
            }
        };
        // The operand of the jump counts from 4 bytes behind its start.
        let jump = |entry: usize, table: u32, slot: u64| {
            let at = entry as u32 * PLT_ENTRY as u32 + ENTRY_OPERAND;
            Edit::new(at, Kind::Pc32, table, slot as i64 * 8 - 4)
        };
        let entries = self.plt_index.len();
        let mut code = Vec::new();
        if let Some(table) = got_plt {
            code.extend((0..entries).map(|entry| jump(entry, table, self.plt_slot(entry as u64))));
        }
        if let Some(table) = hooks {
            code.extend((0..HOOKS.len()).map(|hook| jump(entries + hook, table, hook as u64)));
        }
        let first = self.needs.got.len();
        if let Some(table) = got_table.filter(|_| !self.request.is_static) {
            let before = entries + if hooks.is_some() { HOOKS.len() } else { 0 };
            code.extend((0..spare.len()).map(|entry| jump(before + entry, table, (first + entry) as u64)));
        }
        if let (Some(table), Some(slot)) = (got_table, self.search_slot()) {
            let at = self.search_at() as u32 + SEARCH_OPERAND;
            code.push(Edit::new(at, Kind::Pc32, table, slot as i64 * 8 - 4));
        }
        put(Part::Plt, code);
        if let (Some(table), Some(stubs), Some(dynamic)) = (got_plt, stubs, dynamic) {
            let operands = FIRST_STUB_OPERANDS.iter().zip([8, 16]);
            let operands = operands.map(|(at, entry)| Edit::new(*at, Kind::Pc32, table, entry - 4));
            put(Part::PltLazy, operands.collect());
            // A function that is not bound yet is its stub.
            let stub = |index: usize| {
                let at = self.plt_slot(index as u64) as u32 * 8;
                Edit::new(at, Kind::Abs64, stubs, (index as i64 + 1) * PLT_ENTRY as i64)
            };
            let first = Edit::new(0, Kind::Abs64, dynamic, 0);
            put(Part::GotPlt, std::iter::once(first).chain((0..self.needs.plt.len()).map(stub)).collect());
        }

        let mut got = Vec::new();
        for (index, (id, kind)) in self.needs.got.iter().enumerate() {
            let bound = self.needs.facts.get(*id as usize).is_some_and(stays_zero);
            let kind = match kind {
                GotKind::Address => Kind::Abs64,
                GotKind::ThreadOffset if !self.request.shared => Kind::TpOff64,
                GotKind::ModuleOffset => Kind::DtpOff64,
                _ => continue,
            };
            if !bound {
                got.push(Edit::new(index as u32 * 8, kind, symref_of[id], 0));
            }
        }
        let spare = spare.iter().enumerate();
        got.extend(
            spare.map(|(entry, symref)| Edit::new((first + entry) as u32 * 8, Kind::Abs64, *symref, 0)),
        );
        put(Part::Got, got);

        let mut symbols = Vec::new();
        for (index, symbol) in self.symbols.iter().enumerate() {
            let value_at = (index as u32 + 1) * SYMBOL as u32 + 8;
            if symbol.defined && symbol.info & 15 != elf::STT_TLS {
                symbols.push(Edit::new(value_at, Kind::Own64, symref_of[&symbol.id], 0));
            } else if symbol.id != NONE
                && self.needs.facts[symbol.id as usize].canonical_plt
                && let Some(plt) = plt
            {
                let offset = self.plt_index[&symbol.id] * PLT_ENTRY;
                symbols.push(Edit::new(value_at, Kind::Abs64, plt, offset as i64));
            }
        }
        put(Part::DynSym, symbols);

        let mut table = Vec::new();
        for (hook, id) in self.hooks.iter().enumerate() {
            let Some(id) = id else { continue };
            let at = hook as u32 * 8;
            match (self.plt_index.get(id), plt) {
                (Some(entry), Some(plt)) => {
                    table.push(Edit::new(at, Kind::Abs64, plt, (entry * PLT_ENTRY) as i64));
                }
                _ => table.push(Edit::new(at, Kind::Abs64, symref_of[id], 0)),
            }
        }
        put(Part::Hooks, table);

        let functions = [(elf::DT_INIT, self.init), (elf::DT_FINI, self.fini)];
        let mut dynamic = Vec::new();
        for (index, (tag, _)) in self.dynamic(&|_| 0, &|_| 0).into_iter().enumerate() {
            let function = functions.iter().find(|(function, _)| u64::from(*function) == tag);
            if let Some(symref) = function.and_then(|(_, id)| symref_of.get(&(*id)?)) {
                dynamic.push(Edit::new(index as u32 * 16 + 8, Kind::Own64, *symref, 0));
            }
        }
        put(Part::Dynamic, dynamic);
    }

    pub(super) fn contents(&self, part: Part, resolution: &Resolution<'_>, placed: &Placed<'_>) -> Vec<u8> {
        let layout = placed.layout;
        let size = self.sizes[part as usize] as usize;
        // What relinks add to these tables comes behind what is in them.
        let filled = |mut table: Vec<u8>| {
            table.resize(size, 0);
            table
        };
        match part {
            _ if size == 0 => Vec::new(),
            Part::Interp => {
                let mut path =
                    self.request.interp.as_ref().map_or(Vec::new(), |path| path.as_bytes().to_vec());
                path.push(0);
                path
            }
            Part::GnuHash => self.hash_table.clone(),
            Part::DynStr => filled(self.strings.bytes.clone()),
            Part::Hash => self.sysv_table.clone(),
            Part::VerNeed => filled(self.version_table.clone()),
            Part::VerDef => self.definition_table.clone(),
            Part::BuildId => self.build_id.map_or_else(Vec::new, notes::build_id_note),
            Part::Property => self.property.clone(),
            Part::VerSym => {
                let numbers = std::iter::once(0).chain(self.symbols.iter().map(|symbol| symbol.version));
                filled(numbers.flat_map(u16::to_le_bytes).collect())
            }
            Part::DynSym => filled(self.symbol_table(placed)),
            Part::RelaDyn => {
                let mut table = match self.request.shared {
                    true => placed.relocations.rela.clone(),
                    false => self.relocations(layout),
                };
                table.resize(size, 0);
                table
            }
            Part::Relr => relr_contents(&placed.relocations.relr, size),
            Part::RelaPlt => self.plt_relocations(layout, resolution),
            Part::Plt => {
                // endbr64; jmp *0(%rip); int3 ...
                let entry =
                    [[0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0, 0, 0, 0].as_slice(), &[0xcc; 6]].concat();
                let mut code = entry.repeat(size / PLT_ENTRY as usize);
                if !self.request.shared {
                    // endbr64; ret
                    code[size - PLT_ENTRY as usize + 4] = 0xc3;
                }
                if self.search_slot().is_some() {
                    let at = self.search_at() as usize;
                    code[at..at + PLT_ENTRY as usize].copy_from_slice(&SEARCH_CODE);
                }
                code
            }
            Part::PltLazy => lazy_stubs(self.needs.plt.len() as u32),
            Part::Dynamic => {
                let mut entries =
                    self.dynamic(&|part| self.addr(layout, part).0, &|class| layout.class(class).start.0);
                if self.request.shared {
                    let sizes = placed.relocations.sizes();
                    for (tag, value) in &mut entries {
                        let known = sizes.iter().find(|(known, _)| *known == *tag);
                        *value = known.map_or(*value, |(_, size)| *size);
                    }
                }
                entries.into_iter().flat_map(|(tag, value)| [tag, value]).flat_map(u64::to_le_bytes).collect()
            }
            Part::Got | Part::GotPlt | Part::Hooks => vec![0; size],
            Part::Guards => {
                let mut rows = [ImageAddr(0); GUARDS.len()];
                for (number, row) in &self.guard_rows {
                    rows[*number] = self.addr(layout, Part::DynSym) + row * SYMBOL;
                }
                let search = self.addr(layout, Part::Plt) + self.search_at();
                let slot = self.search_slot().unwrap_or(0) as u64;
                let slot = self.addr(layout, Part::Got) + 8 * slot;
                [search, slot].iter().chain(&rows).flat_map(|addr| addr.0.to_le_bytes()).collect()
            }
            Part::Copies | Part::Commons => Vec::new(),
        }
    }

    fn symbol_table(&self, placed: &Placed<'_>) -> Vec<u8> {
        let tls_start = placed.layout.tls().0.start.0;
        let mut table = vec![0; SYMBOL as usize];
        for symbol in &self.symbols {
            let slot = if symbol.id == NONE { Slot::default() } else { placed.slots[symbol.id as usize] };
            // Any other section than these two: the dynamic linker does not look further.
            let section = match symbol.defined {
                false => elf::SHN_UNDEF,
                true if slot.flags & slot::ABSOLUTE != 0 => elf::SHN_ABS,
                true => 1,
            };
            let tls = symbol.defined && symbol.info & 15 == elf::STT_TLS;
            let offset = if tls { slot.value.wrapping_sub(tls_start) } else { 0 };
            table.extend(symbol.name.to_le_bytes());
            table.extend([symbol.info, symbol.other]);
            table.extend(section.to_le_bytes());
            table.extend(offset.to_le_bytes());
            table.extend(symbol.size.to_le_bytes());
        }
        table
    }

    fn relocations(&self, layout: &Layout) -> Vec<u8> {
        let mut table = Vec::new();
        let got = self.addr(layout, Part::Got);
        for (index, (id, kind)) in self.needs.got.iter().enumerate() {
            if stays_zero(&self.needs.facts[*id as usize]) {
                let kind = match kind {
                    GotKind::ThreadOffset => elf::R_X86_64_TPOFF64,
                    _ => elf::R_X86_64_GLOB_DAT,
                };
                table.extend(rela(got + 8 * index as u64, self.symbol_index[id], kind, 0));
            }
        }
        for copy in &self.needs.copies {
            let id = copy.symbols[0];
            let place = self.addr(layout, Part::Copies) + self.copy_offsets[&id];
            table.extend(rela(place, self.symbol_index[&id], elf::R_X86_64_COPY, 0));
        }
        for relocation in &self.needs.data_relocations {
            let place = layout.placement(relocation.object as usize, relocation.section).addr();
            let symbol = self.symbol_index[&relocation.symbol];
            let place = place + u64::from(relocation.offset);
            table.extend(rela(place, symbol, elf::R_X86_64_64, relocation.addend));
        }
        table
    }

    fn plt_relocations(&self, layout: &Layout, resolution: &Resolution<'_>) -> Vec<u8> {
        let mut table = Vec::new();
        let slots = self.addr(layout, Part::GotPlt);
        for (index, id) in self.needs.plt.iter().enumerate() {
            let place = slots + 8 * self.plt_slot(index as u64);
            table.extend(rela(place, self.symbol_index[id], elf::R_X86_64_JUMP_SLOT, 0));
        }
        for (index, id) in self.needs.iplt.iter().enumerate() {
            let place = slots + 8 * self.plt_slot((self.needs.plt.len() + index) as u64);
            let resolver = definition_addr(resolution, layout, *id).map_or(0, |addr| addr.0);
            table.extend(rela(place, 0, elf::R_X86_64_IRELATIVE, resolver as i64));
        }
        table
    }
}

/// Where the operand of the jump is in an entry of the PLT.
const ENTRY_OPERAND: u32 = 6;

/// `endbr64; sub $8, %rsp; call *slot(%rip); pop %rcx; ret`, as long as an entry of the PLT, and where the operand is.
/// The function that is called wants to know who asks, by its return address.
const SEARCH_CODE: [u8; PLT_ENTRY as usize] =
    [0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 0x08, 0xff, 0x15, 0, 0, 0, 0, 0x59, 0xc3];
const SEARCH_OPERAND: u32 = 10;
/// Where the operands are in the first of the lazy stubs.
const FIRST_STUB_OPERANDS: [u32; 2] = [2, 8];

/// What functions are bound by when they are called first (psABI, "Procedure Linkage Table").
fn lazy_stubs(functions: u32) -> Vec<u8> {
    // push GOT+8(%rip); jmp *GOT+16(%rip); nopl 0(%rax)
    let mut code = vec![0xff, 0x35, 0, 0, 0, 0, 0xff, 0x25, 0, 0, 0, 0, 0x0f, 0x1f, 0x40, 0];
    for function in 0..functions {
        // endbr64; push $function; jmp first stub; xchg %ax, %ax
        code.extend([0xf3, 0x0f, 0x1e, 0xfa, 0x68]);
        code.extend(function.to_le_bytes());
        code.push(0xe9);
        let behind = (function + 1) * PLT_ENTRY as u32 + 14;
        code.extend(behind.wrapping_neg().to_le_bytes());
        code.extend([0x66, 0x90]);
    }
    code
}

/// The packed table, filled up with words that mean nothing: bitmaps without a bit.
fn relr_contents(words: &[u64], size: usize) -> Vec<u8> {
    let filler = std::iter::repeat(&1u64);
    words.iter().chain(filler).take(size / 8).flat_map(|word| word.to_le_bytes()).collect()
}
