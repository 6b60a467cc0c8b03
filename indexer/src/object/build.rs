//! Collects what a record holds, and lays it out as bytes.

use super::classify::Home;
use anyhow::{Result, bail};
use shared::addr::align_up;
use shared::pod::{Pod, Span, StrRef, bytes_of};
use shared::record::{
    BlockRec, Edit, FdeRec, FunctionRec, GlobalRec, GroupRec, MAGIC, NONE, ObjectHeader, SectionRec, SymRef,
    VersionRec, flag, uses,
};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

pub struct Section<'a> {
    pub home: Home,
    pub name: &'a [u8],
    pub size: u64,
    pub data: &'a [u8],
    pub align: u32,
    pub group: u32,
    pub input_index: u32,
    pub flags: u32,
    /// Where its edits are in the record's table.
    pub edits: Range<u32>,
}

impl<'a> Section<'a> {
    /// Name of the output section that the section's own name decides.
    fn block_name(&self) -> &'a [u8] {
        if self.home.named { self.name } else { b"" }
    }

    /// The order of sections in a record: by class, priority and name of the output section, then the object's own.
    pub fn order(&self, other: &Self) -> Ordering {
        let key = |section: &Self| (section.home.class, section.home.priority);
        let named = self.home.named || other.home.named;
        let names = || if named { self.block_name().cmp(other.block_name()) } else { Ordering::Equal };
        key(self).cmp(&key(other)).then_with(names).then(self.input_index.cmp(&other.input_index))
    }
}

/// String tables of the object, which become the record's strings as they are: names are found in them by
/// where they lie.
#[derive(Default)]
pub struct StringTables<'a>(Vec<&'a [u8]>);

impl<'a> StringTables<'a> {
    pub fn new(tables: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut known: Vec<&[u8]> = Vec::new();
        for table in tables {
            if !known.iter().any(|other| std::ptr::eq(*other, table)) {
                known.push(table);
            }
        }
        Self(known)
    }

    fn len(&self) -> usize {
        self.0.iter().map(|table| table.len()).sum()
    }

    /// Where `text` is in the tables one behind the other, if it is a part of them.
    fn place(&self, text: &[u8]) -> Option<usize> {
        let mut base = 0;
        for table in &self.0 {
            let offset = (text.as_ptr() as usize).wrapping_sub(table.as_ptr() as usize);
            if offset < table.len() && text.len() <= table.len() - offset {
                return Some(base + offset);
            }
            base += table.len();
        }
        None
    }
}

/// The record of an object that has nothing.
pub fn empty() -> Vec<u8> {
    let mut record = Vec::new();
    RecordBuilder::default().append_to([0, 0], &mut record);
    record
}

#[derive(Default)]
pub struct RecordBuilder<'a> {
    pub sections: Vec<Section<'a>>,
    pub edits: Vec<Edit>,
    pub symrefs: Vec<SymRef>,
    pub globals: Vec<GlobalRec>,
    pub fdes: Vec<FdeRec>,
    functions: Vec<FunctionRec>,
    versions: Vec<VersionRec>,
    pub flags: u64,
    /// Number in the object's symbol table -> symref, or `NONE`.
    pub symref_of: Vec<u32>,
    groups: Vec<GroupRec>,
    tables: StringTables<'a>,
    /// Strings that are not in the tables, behind which they come.
    strings: Vec<u8>,
    known_strings: HashMap<&'a [u8], StrRef>,
    reversed: HashMap<u32, Vec<u8>>,
}

impl<'a> RecordBuilder<'a> {
    /// A builder for an object with these string tables.
    pub fn new(tables: StringTables<'a>) -> Self {
        Self { tables, ..Self::default() }
    }

    /// Gives a section its edits.
    pub fn set_edits(&mut self, section: u32, edits: Vec<Edit>) {
        let first = self.edits.len() as u32;
        self.edits.extend(edits);
        self.sections[section as usize].edits = first..self.edits.len() as u32;
    }

    /// The edits of a section.
    pub fn edits_of(&self, section: &Section<'_>) -> &[Edit] {
        &self.edits[section.edits.start as usize..section.edits.end as usize]
    }

    fn intern(&mut self, text: &'a [u8]) -> StrRef {
        let len = text.len() as u32;
        if len == 0 {
            return StrRef::default();
        }
        if let Some(offset) = self.tables.place(text) {
            return StrRef { offset: offset as u32, len };
        }
        let strings = &mut self.strings;
        let base = self.tables.len();
        *self.known_strings.entry(text).or_insert_with(|| {
            let offset = (base + strings.len()) as u32;
            strings.extend_from_slice(text);
            StrRef { offset, len }
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
            let edits = &mut self.edits[section.edits.start as usize..section.edits.end as usize];
            edits.reverse();
            for edit in edits {
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

    /// Appends the record to `out`, at a multiple of 16.
    pub fn append_to(mut self, content: [u64; 2], out: &mut Vec<u8>) {
        let blocks = self.blocks();
        let mut sections = Vec::with_capacity(self.sections.len());
        for index in 0..self.sections.len() {
            let name = self.intern(self.sections[index].name);
            let section = &self.sections[index];
            sections.push(SectionRec {
                name,
                size: section.size,
                data: 0,
                edits_first: section.edits.start,
                edits_count: section.edits.end - section.edits.start,
                align: section.align,
                group: section.group,
                input_index: section.input_index,
                flags: section.flags,
            });
        }

        let strings = self.tables.len() + self.strings.len();
        let mut layout = Layout { len: size_of::<ObjectHeader>() as u64 };
        let mut header = ObjectHeader {
            magic: MAGIC,
            len: 0,
            content,
            sections: layout.table(&sections),
            blocks: layout.table(&blocks),
            edits: layout.table(&self.edits),
            symrefs: layout.table(&self.symrefs),
            globals: layout.table(&self.globals),
            fdes: layout.table(&self.fdes),
            groups: layout.table(&self.groups),
            functions: layout.table(&self.functions),
            versions: layout.table(&self.versions),
            strings: layout.place(1, strings as u64),
            flags: self.flags,
        };
        for (record, section) in sections.iter_mut().zip(&self.sections) {
            if !section.data.is_empty() {
                record.data = layout.table(section.data).offset;
            }
        }
        header.len = align_up(layout.len, 16);

        let start = out.len().next_multiple_of(16);
        out.reserve(start - out.len() + header.len as usize);
        out.resize(start, 0);
        out.extend_from_slice(bytes_of(&[header]));
        let mut append = Appender { out, start };
        append.table(header.sections, &sections);
        append.table(header.blocks, &blocks);
        append.table(header.edits, &self.edits);
        append.table(header.symrefs, &self.symrefs);
        append.table(header.globals, &self.globals);
        append.table(header.fdes, &self.fdes);
        append.table(header.groups, &self.groups);
        append.table(header.functions, &self.functions);
        append.table(header.versions, &self.versions);
        append.table::<u8>(header.strings, &[]);
        for table in self.tables.0.iter().copied().chain([self.strings.as_slice()]) {
            append.out.extend_from_slice(table);
        }
        for (index, (record, section)) in sections.iter().zip(&self.sections).enumerate() {
            if record.data != 0 {
                let data = self.reversed.get(&(index as u32)).map_or(section.data, Vec::as_slice);
                append.table(Span { offset: record.data, count: 0 }, data);
            }
        }
        out.resize(start + header.len as usize, 0);
    }
}

/// Gives out places, each at a multiple of 16.
struct Layout {
    len: u64,
}

impl Layout {
    fn table<T: Pod>(&mut self, records: &[T]) -> Span {
        self.place(size_of::<T>() as u64, records.len() as u64)
    }

    fn place(&mut self, size: u64, count: u64) -> Span {
        let offset = align_up(self.len, 16);
        self.len = offset + size * count;
        Span { offset, count }
    }
}

struct Appender<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
}

impl Appender<'_> {
    fn table<T: Pod>(&mut self, span: Span, records: &[T]) {
        self.out.resize(self.start + span.offset as usize, 0);
        self.out.extend_from_slice(bytes_of(records));
    }
}
