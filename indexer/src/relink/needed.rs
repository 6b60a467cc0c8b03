//! What a relink has to know to say that the same members of archives are loaded: which names archives offer, and for
//! whose sake each member was loaded.

use crate::load::Program;
use crate::plan::Writer;
use crate::resolve::Identity;
use shared::checksum::checksum;
use shared::pod::{self, Span, bytes_of};
use shared::record::{GlobalRec, NONE, ObjectView};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

/// File of a generation.
pub const FILE: &str = "needed";

const MAGIC: u64 = u64::from_le_bytes(*b"UFneed\0\x01");

/// Why an object was loaded: the first that wanted it, and the name.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct ReasonRec {
    symbol: u64,
    /// Its number, or `NONE`: the command line, or a library.
    by: u32,
    /// 1: the object is there for this reason; 0: for none.
    holds: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Header {
    magic: u64,
    /// Of all bytes behind this field.
    checksum: u64,
    /// Hashes of the names that archives and lazy objects offer, in ascending order; the lowest bit says that several
    /// do.
    offered: Span,
    /// Common symbols that have no value, and that an archive offers.
    commons: Span,
    /// Of each object.
    reasons: Span,
}

shared::pod! {
    ReasonRec { symbol: u64, by: u32, holds: u32 }
    Header { magic: u64, checksum: u64, offered: Span, commons: Span, reasons: Span }
}

/// The file. `numbers` has the number in the plan of each object of the program.
pub fn bytes(program: &Program, numbers: &[u32]) -> Vec<u8> {
    let ranks: HashMap<_, u32> =
        program.objects.iter().zip(numbers).map(|(object, number)| (object.rank, *number)).collect();
    let count = numbers.iter().max().map_or(0, |last| *last as usize + 1);
    let mut reasons = vec![ReasonRec::default(); count];
    for (rank, reason) in &program.reasons {
        let by = reason.by.map_or(Some(NONE), |by| ranks.get(&by).copied());
        if let (Some(number), Some(by)) = (ranks.get(rank), by) {
            reasons[*number as usize] = ReasonRec { symbol: reason.symbol, by, holds: 1 };
        }
    }
    let mut commons = program.commons.clone();
    commons.retain(|hash| find(&program.offered, *hash).is_some());
    let mut writer = Writer(vec![0; size_of::<Header>()]);
    let header = Header {
        magic: MAGIC,
        checksum: 0,
        offered: writer.table(&program.offered),
        commons: writer.table(&commons),
        reasons: writer.table(&reasons),
    };
    let mut bytes = writer.0;
    bytes[..size_of::<Header>()].copy_from_slice(bytes_of(&[header]));
    let sum = checksum(&bytes[16..]);
    bytes[8..16].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Whether a name is offered: by several?
fn find(offered: &[u64], hash: u64) -> Option<bool> {
    let at = offered.partition_point(|other| other & !1 < hash & !1);
    offered.get(at).filter(|other| *other & !1 == hash & !1).map(|other| other & 1 != 0)
}

pub struct Needed<'a> {
    offered: &'a [u64],
    pub commons: &'a [u64],
    reasons: &'a [ReasonRec],
}

/// An object that has another record.
pub struct Pair<'a> {
    pub number: u32,
    pub old: ObjectView<'a>,
    pub new: ObjectView<'a>,
}

/// What an object asks of archives, and tells them, by hashes of names.
#[derive(Default)]
struct Words {
    wanted: HashSet<u64, BuildHasherDefault<Identity>>,
    defined: OfNames<bool>,
}

type OfNames<T> = HashMap<u64, T, BuildHasherDefault<Identity>>;

impl Words {
    fn of(view: &ObjectView<'_>) -> Self {
        let mut words = Self::default();
        for global in view.globals.iter().filter(|global| global.name.len != 0) {
            if global.is_definition() {
                words.defined.insert(global.hash, global.section == GlobalRec::COMMON);
            } else if global.section == GlobalRec::UNDEFINED && global.binding != object::elf::STB_WEAK {
                words.wanted.insert(global.hash);
            }
        }
        words
    }
}

impl<'a> Needed<'a> {
    /// `None`: it is damaged, or of another version.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let header: &Header = pod::get(bytes, 0)?;
        if header.magic != MAGIC || checksum(bytes.get(16..)?) != header.checksum {
            return None;
        }
        Some(Self {
            offered: pod::slice(bytes, header.offered.offset, header.offered.count)?,
            commons: pod::slice(bytes, header.commons.offset, header.commons.count)?,
            reasons: pod::slice(bytes, header.reasons.offset, header.reasons.count)?,
        })
    }

    /// Why an object was loaded: the number of the object that asked for it first, unless it was the command line or a
    /// library, and the hash of the name. `None`: it is named on the command line.
    pub fn reason(&self, object: u32) -> Option<(Option<u32>, u64)> {
        let reason = self.reasons.get(object as usize).filter(|reason| reason.holds != 0)?;
        Some(((reason.by != NONE).then_some(reason.by), reason.symbol))
    }

    /// Whether other members may be loaded now that these objects have other records. `is_defined` says whether the
    /// image defines a name.
    pub fn may_differ(&self, pairs: &[Pair<'_>], wraps: bool, is_defined: impl Fn(u64) -> bool) -> bool {
        let mut held: Option<HashSet<(u32, u64)>> = None;
        for pair in pairs {
            let (old, new) = (Words::of(&pair.old), Words::of(&pair.new));
            let is_offered = |hash: &u64| find(self.offered, *hash).is_some();
            let redefined = old.defined.iter().filter(|(hash, common)| new.defined.get(hash) != Some(common));
            let defined = new.defined.iter().filter(|(hash, common)| old.defined.get(hash) != Some(common));
            if redefined.chain(defined).any(|(hash, _)| wraps || is_offered(hash)) {
                return true;
            }
            for hash in new.wanted.difference(&old.wanted) {
                match find(self.offered, *hash) {
                    _ if wraps => return true,
                    Some(several) if several || !is_defined(*hash) => return true,
                    _ => {}
                }
            }
            let mut gone = old.wanted.difference(&new.wanted).peekable();
            if gone.peek().is_none() {
                continue;
            }
            let held = held.get_or_insert_with(|| {
                let reasons = self.reasons.iter().filter(|reason| reason.holds != 0);
                reasons.map(|reason| (reason.by, reason.symbol)).collect()
            });
            if gone.any(|hash| wraps || held.contains(&(pair.number, *hash))) {
                return true;
            }
        }
        false
    }
}
