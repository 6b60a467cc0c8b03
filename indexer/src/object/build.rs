//! Collects what a record holds, and lays it out as bytes.

use super::classify::Home;
use anyhow::{Result, bail};
use shared::addr::align_up;
use shared::pod::{Pod, Span, StrRef, bytes_of};
use shared::record::{
    BlockRec, Class, Edit, FdeRec, FunctionRec, GlobalRec, GroupRec, MAGIC, NONE, ObjectHeader, SectionRec,
    SymRef, VersionRec, flag, uses,
};
use std::collections::HashMap;

pub struct Section<'a> {
    pub home: Home,
    pub name: &'a [u8],
    pub size: u64,
    pub data: &'a [u8],
    pub align: u32,
    pub group: u32,
    pub input_index: u32,
    pub flags: u32,
    pub edits: Vec<Edit>,
}

impl<'a> Section<'a> {
    /// Name of the output section that the section's own name decides.
    fn block_name(&self) -> &'a [u8] {
        if self.home.named { self.name } else { b"" }
    }

    pub fn order(&self) -> (Class, u32, &'a [u8], u32) {
        (self.home.class, self.home.priority, self.block_name(), self.input_index)
    }
}

#[derive(Default)]
pub struct RecordBuilder<'a> {
    pub sections: Vec<Section<'a>>,
    pub symrefs: Vec<SymRef>,
    pub globals: Vec<GlobalRec>,
    pub fdes: Vec<FdeRec>,
    functions: Vec<FunctionRec>,
    versions: Vec<VersionRec>,
    pub flags: u64,
    /// Number in the object's symbol table -> symref, or `NONE`.
    pub symref_of: Vec<u32>,
    groups: Vec<GroupRec>,
    strings: Vec<u8>,
    known_strings: HashMap<&'a [u8], StrRef>,
    reversed: HashMap<u32, Vec<u8>>,
}

impl<'a> RecordBuilder<'a> {
    fn intern(&mut self, text: &'a [u8]) -> StrRef {
        let strings = &mut self.strings;
        *self.known_strings.entry(text).or_insert_with(|| {
            let offset = strings.len() as u32;
            strings.extend_from_slice(text);
            StrRef { offset, len: text.len() as u32 }
        })
    }

    /// The number (index + 1) of the group with this signature.
    pub fn group(&mut self, signature: &'a [u8]) -> u32 {
        let hash = super::name_hash(signature);
        let signature = self.intern(signature);
        self.groups.push(GroupRec { signature, hash });
        self.groups.len() as u32
    }

    /// Notes the name of a local function.
    pub fn add_function(&mut self, name: &'a [u8], section: u32, value: u64, size: u64) {
        let name = self.intern(name);
        self.functions.push(FunctionRec { name, section, reserved: 0, value, size });
    }

    /// Notes the version that the next global is given by its own name.
    pub fn add_version(&mut self, version: &'a [u8], is_default: bool) {
        let (global, is_default) = (self.globals.len() as u32, u32::from(is_default));
        let version = self.intern(version);
        self.versions.push(VersionRec { version, global, is_default });
    }

    pub fn add_symref(&mut self, symref: SymRef) -> u32 {
        self.symrefs.push(symref);
        self.symrefs.len() as u32 - 1
    }

    /// Adds a global and the symref that stands for it.
    pub fn add_global(&mut self, name: &'a [u8], index: usize, mut global: GlobalRec) -> Result<u32> {
        global.name = self.intern(name);
        self.globals.push(global);
        let number = self.globals.len() as u32 - 1;
        let symref = self.add_symref(SymRef { section: SymRef::GLOBAL, global: number, value: 0 });
        match self.symref_of.get_mut(index) {
            Some(place) => *place = symref,
            None if index == NONE as usize => {}
            None => bail!("symbol {index} does not exist"),
        }
        Ok(symref)
    }

    pub fn is_global(&self, symref: u32) -> bool {
        self.symrefs[symref as usize].section == SymRef::GLOBAL
    }

    pub fn use_global(&mut self, symref: u32, used: u32) {
        let global = self.symrefs[symref as usize].global as usize;
        self.globals[global].uses |= used;
        if used & uses::ABS64_DATA != 0 {
            self.flags |= flag::ABS64_GLOBAL;
        }
    }

    /// `.ctors` and `.dtors` run from their end, `.init_array` and `.fini_array` from their start.
    pub fn reverse_old_arrays(&mut self) {
        for (index, section) in self.sections.iter_mut().enumerate() {
            if !section.home.reversed || section.data.len() < 8 || !section.data.len().is_multiple_of(8) {
                continue;
            }
            let entries = section.data.chunks_exact(8).rev().flatten().copied().collect();
            self.reversed.insert(index as u32, entries);
            let last = section.data.len() as u32 - 8;
            section.edits.reverse();
            for edit in &mut section.edits {
                edit.offset = last.saturating_sub(edit.offset);
            }
        }
    }

    /// Runs of sections of one class, priority and name.
    fn blocks(&mut self) -> Vec<BlockRec> {
        let mut blocks: Vec<BlockRec> = Vec::new();
        let mut last = None;
        for index in 0..self.sections.len() {
            let section = &self.sections[index];
            let (class, priority, name) = (section.home.class, section.home.priority, section.block_name());
            match blocks.last_mut() {
                Some(block) if last == Some((class, priority, name)) => block.count += 1,
                _ => {
                    let name_ref = self.intern(name);
                    blocks.push(BlockRec {
                        class: class as u32,
                        priority,
                        name: name_ref,
                        first: index as u32,
                        count: 1,
                    });
                    last = Some((class, priority, name));
                }
            }
        }
        blocks
    }

    /// The record's bytes.
    pub fn finish(mut self, content: [u64; 2]) -> Vec<u8> {
        let blocks = self.blocks();
        let mut edits = Vec::with_capacity(self.sections.iter().map(|section| section.edits.len()).sum());
        let mut sections = Vec::with_capacity(self.sections.len());
        for index in 0..self.sections.len() {
            let name = self.intern(self.sections[index].name);
            let section = &mut self.sections[index];
            let first = edits.len() as u32;
            edits.append(&mut section.edits);
            sections.push(SectionRec {
                name,
                size: section.size,
                data: 0,
                edits_first: first,
                edits_count: edits.len() as u32 - first,
                align: section.align,
                group: section.group,
                input_index: section.input_index,
                flags: section.flags,
            });
        }

        let mut layout = Layout { len: size_of::<ObjectHeader>() as u64 };
        let mut header = ObjectHeader {
            magic: MAGIC,
            len: 0,
            content,
            sections: layout.table(&sections),
            blocks: layout.table(&blocks),
            edits: layout.table(&edits),
            symrefs: layout.table(&self.symrefs),
            globals: layout.table(&self.globals),
            fdes: layout.table(&self.fdes),
            groups: layout.table(&self.groups),
            functions: layout.table(&self.functions),
            versions: layout.table(&self.versions),
            strings: layout.table(&self.strings),
            flags: self.flags,
        };
        for (record, section) in sections.iter_mut().zip(&self.sections) {
            if !section.data.is_empty() {
                record.data = layout.table(section.data).offset;
            }
        }
        header.len = align_up(layout.len, 16);

        let mut bytes = Vec::with_capacity(header.len as usize);
        bytes.extend_from_slice(bytes_of(&[header]));
        append(&mut bytes, header.sections, &sections);
        append(&mut bytes, header.blocks, &blocks);
        append(&mut bytes, header.edits, &edits);
        append(&mut bytes, header.symrefs, &self.symrefs);
        append(&mut bytes, header.globals, &self.globals);
        append(&mut bytes, header.fdes, &self.fdes);
        append(&mut bytes, header.groups, &self.groups);
        append(&mut bytes, header.functions, &self.functions);
        append(&mut bytes, header.versions, &self.versions);
        append(&mut bytes, header.strings, &self.strings);
        for (index, (record, section)) in sections.iter().zip(&self.sections).enumerate() {
            if record.data != 0 {
                let data = self.reversed.get(&(index as u32)).map_or(section.data, Vec::as_slice);
                append(&mut bytes, Span { offset: record.data, count: 0 }, data);
            }
        }
        bytes.resize(header.len as usize, 0);
        bytes
    }
}

/// Gives out places, each at a multiple of 16.
struct Layout {
    len: u64,
}

impl Layout {
    fn table<T: Pod>(&mut self, records: &[T]) -> Span {
        let offset = align_up(self.len, 16);
        self.len = offset + size_of_val(records) as u64;
        Span { offset, count: records.len() as u64 }
    }
}

fn append<T: Pod>(bytes: &mut Vec<u8>, span: Span, records: &[T]) {
    bytes.resize(span.offset as usize, 0);
    bytes.extend_from_slice(bytes_of(records));
}
