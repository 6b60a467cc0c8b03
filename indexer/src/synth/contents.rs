//! What is in the linker's own sections, once there are addresses. Contents that follow a symbol which a relink
//! may move are edits.

use super::{PLT_ENTRY, Part, SYMBOL, Synth, definition_addr, rela};
use crate::layout::Layout;
use crate::object::build::RecordBuilder;
use crate::resolve::{Resolution, SymbolId};
use object::elf;
use shared::edit::Kind;
use shared::plan::HOOKS;
use shared::record::{Edit, SymRef};
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;

impl Synth<'_> {
    pub(super) fn add_edits(&self, builder: &mut RecordBuilder<'_>, symref_of: &HashMap<SymbolId, u32>) {
        let mut local = |part: Part| {
            let section = *self.section_of.get(&part)?;
            Some(builder.add_symref(SymRef { section, global: 0, value: 0 }))
        };
        let (got_plt, hooks, plt) = (local(Part::GotPlt), local(Part::Hooks), local(Part::Plt));
        let mut put = |part: Part, edits: Vec<Edit>| {
            if let Some(section) = self.section_of.get(&part) {
                builder.sections[*section as usize].edits = edits;
            }
        };
        // jmp *entry(%rip): the operand is 2 bytes into the entry, and counts from 4 bytes behind.
        let jump = |entry: usize, table: u32, slot: usize| {
            Edit::new(entry as u32 * PLT_ENTRY as u32 + 2, Kind::Pc32, table, slot as i64 * 8 - 4)
        };
        let entries = self.plt_index.len();
        let mut code = Vec::new();
        if let Some(table) = got_plt {
            code.extend((0..entries).map(|entry| jump(entry, table, entry)));
        }
        if let Some(table) = hooks {
            code.extend((0..HOOKS.len()).map(|hook| jump(entries + hook, table, hook)));
        }
        put(Part::Plt, code);

        let mut got = Vec::new();
        for (index, id) in self.needs.got.iter().enumerate() {
            let facts = &self.needs.facts[*id as usize];
            if !facts.import || facts.copy || facts.canonical_plt {
                let kind = if self.is_tls(*id) { Kind::TpOff64 } else { Kind::Abs64 };
                got.push(Edit::new(index as u32 * 8, kind, symref_of[id], 0));
            }
        }
        put(Part::Got, got);

        let mut symbols = Vec::new();
        for (index, symbol) in self.symbols.iter().enumerate() {
            let value_at = (index as u32 + 1) * SYMBOL as u32 + 8;
            if symbol.defined && symbol.info & 15 != elf::STT_TLS {
                symbols.push(Edit::new(value_at, Kind::Abs64, symref_of[&symbol.id], 0));
            } else if self.needs.facts[symbol.id as usize].canonical_plt
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
                dynamic.push(Edit::new(index as u32 * 16 + 8, Kind::Abs64, *symref, 0));
            }
        }
        put(Part::Dynamic, dynamic);
    }

    pub(super) fn is_tls(&self, id: SymbolId) -> bool {
        self.needs.tls.contains(&id)
    }

    pub(super) fn contents(
        &self,
        part: Part,
        resolution: &Resolution<'_>,
        layout: &Layout,
        value: &dyn Fn(SymbolId) -> u64,
    ) -> Vec<u8> {
        let size = self.sizes[part as usize] as usize;
        match part {
            _ if size == 0 => Vec::new(),
            Part::Interp => {
                let mut path =
                    self.request.interp.as_ref().map_or(Vec::new(), |path| path.as_bytes().to_vec());
                path.push(0);
                path
            }
            Part::GnuHash => self.hash_table.clone(),
            Part::DynStr => self.strings.bytes.clone(),
            Part::VerNeed => self.version_table.clone(),
            Part::BuildId => self.build_id.clone(),
            Part::VerSym => {
                let numbers = std::iter::once(0).chain(self.symbols.iter().map(|symbol| symbol.version));
                numbers.flat_map(u16::to_le_bytes).collect()
            }
            Part::DynSym => self.symbol_table(layout, value),
            Part::RelaDyn => {
                let mut table = self.relocations(layout);
                table.resize(size, 0);
                table
            }
            Part::RelaPlt => self.plt_relocations(layout, resolution),
            Part::Plt => {
                // jmp *0(%rip); int3 ...; and at the end: ret
                let entry = [[0xff, 0x25, 0, 0, 0, 0].as_slice(), &[0xcc; 10]].concat();
                let mut code = entry.repeat(size / PLT_ENTRY as usize);
                code[size - PLT_ENTRY as usize] = 0xc3;
                code
            }
            Part::Dynamic => {
                let entries =
                    self.dynamic(&|part| self.addr(layout, part).0, &|class| layout.class(class).start.0);
                entries.into_iter().flat_map(|(tag, value)| [tag, value]).flat_map(u64::to_le_bytes).collect()
            }
            Part::Got | Part::GotPlt | Part::Hooks => vec![0; size],
            Part::Copies | Part::Commons => Vec::new(),
        }
    }

    fn symbol_table(&self, layout: &Layout, value: &dyn Fn(SymbolId) -> u64) -> Vec<u8> {
        let mut table = vec![0; SYMBOL as usize];
        for symbol in &self.symbols {
            // Any section but "undefined" and "absolute": the dynamic linker does not look further.
            let section: u16 = if symbol.defined { 1 } else { 0 };
            let tls = symbol.defined && symbol.info & 15 == elf::STT_TLS;
            let offset = if tls { value(symbol.id).wrapping_sub(layout.tls().0.start.0) } else { 0 };
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
        for (index, id) in self.needs.got.iter().enumerate() {
            let facts = &self.needs.facts[*id as usize];
            if facts.import && !facts.copy && !facts.canonical_plt {
                let kind = if self.is_tls(*id) { elf::R_X86_64_TPOFF64 } else { elf::R_X86_64_GLOB_DAT };
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
            let place = slots + 8 * index as u64;
            table.extend(rela(place, self.symbol_index[id], elf::R_X86_64_JUMP_SLOT, 0));
        }
        for (index, id) in self.needs.iplt.iter().enumerate() {
            let place = slots + 8 * (self.needs.plt.len() + index) as u64;
            let resolver = definition_addr(resolution, layout, *id).map_or(0, |addr| addr.0);
            table.extend(rela(place, 0, elf::R_X86_64_IRELATIVE, resolver as i64));
        }
        table
    }
}
