//! Packs as plans see them: records, and the checksums of their blocks.

use anyhow::{Result, bail};
use rayon::prelude::*;
use shared::checksum::{BLOCK, checksum};
use shared::plan::{Objects, PackRec, PlanView, block_sums};
use shared::pod;
use shared::record::{ObjectHeader, ObjectView};
use std::sync::atomic::{AtomicU8, Ordering};

/// A pack's records, of which each block is compared with its checksum before the first use.
pub struct Pack<'a> {
    bytes: &'a [u8],
    sums: &'a [u64],
    /// One byte for each block: 1 once it was found to be what was linked.
    verified: Vec<AtomicU8>,
}

impl<'a> Pack<'a> {
    /// The pack in `file` that `record` of a plan is about; `None` if it is another one.
    pub fn new(file: &'a [u8], record: &PackRec) -> Option<Self> {
        if record.len == 0 {
            // A place for a pack that is not there yet.
            return Some(Self::none());
        }
        let sums = block_sums(file, record)?;
        let verified = sums.iter().map(|_| AtomicU8::new(0)).collect();
        Some(Self { bytes: file.get(..record.len as usize)?, sums, verified })
    }

    /// No pack.
    pub fn none() -> Self {
        Self { bytes: &[], sums: &[], verified: Vec::new() }
    }

    /// A pack that this process has written.
    pub fn written(file: &'a [u8], record: &PackRec) -> Self {
        Self { bytes: &file[..record.len as usize], sums: &[], verified: Vec::new() }
    }

    /// Whether these bytes, which lie in the pack, are what was linked.
    pub fn verify(&self, bytes: &[u8]) -> bool {
        let offset = (bytes.as_ptr() as usize).wrapping_sub(self.bytes.as_ptr() as usize);
        let end = offset.saturating_add(bytes.len());
        bytes.is_empty()
            || self.sums.is_empty()
            || (offset / BLOCK..end.div_ceil(BLOCK)).all(|block| self.is_good(block))
    }

    /// Threads that race here both find the same.
    fn is_good(&self, block: usize) -> bool {
        let (Some(state), Some(sum)) = (self.verified.get(block), self.sums.get(block)) else { return false };
        if state.load(Ordering::Relaxed) == 0 {
            let end = ((block + 1) * BLOCK).min(self.bytes.len());
            if self.bytes.get(block * BLOCK..end).is_none_or(|bytes| checksum(bytes) != *sum) {
                return false;
            }
            state.store(1, Ordering::Relaxed);
        }
        true
    }
}

/// The pack of a plan's object, and its record.
pub fn find<'p, 'a>(
    plan: &PlanView<'_>,
    packs: &'p [Pack<'a>],
    number: u32,
) -> Option<(&'p Pack<'a>, &'a [u8])> {
    let record = plan.objects.get(number as usize)?;
    let pack = packs.get(record.pack as usize)?;
    Some((pack, pod::slice(pack.bytes, record.offset, record.len)?))
}

/// A view of a record, of which the header is verified. Who renders verifies the rest, as far as it is used.
pub fn view<'a>(pack: &Pack<'_>, record: &'a [u8]) -> Option<ObjectView<'a>> {
    if pack.verify(record.get(..size_of::<ObjectHeader>())?) { ObjectView::new(record) } else { None }
}

/// The objects of a plan, from the packs that it names.
pub struct PackObjects<'a> {
    pub plan: PlanView<'a>,
    pub packs: Vec<Pack<'a>>,
}

impl PackObjects<'_> {
    fn place(&self, number: u32) -> Option<(&Pack<'_>, &[u8])> {
        find(&self.plan, &self.packs, number)
    }

    /// Reads every record; an error if one is not what was linked.
    pub fn check(&self) -> Result<()> {
        let is_damaged = |number: &u32| self.place(*number).is_none_or(|(pack, bytes)| !pack.verify(bytes));
        match (0..self.plan.objects.len() as u32).into_par_iter().find_first(is_damaged) {
            Some(number) => {
                bail!("the index has a damaged record (object {number}); link the program again")
            }
            None => Ok(()),
        }
    }
}

impl Objects for PackObjects<'_> {
    fn object(&self, number: u32) -> Option<ObjectView<'_>> {
        let (pack, bytes) = self.place(number)?;
        view(pack, bytes)
    }

    fn verify(&self, number: u32, bytes: &[u8]) -> bool {
        self.place(number).is_some_and(|(pack, _)| pack.verify(bytes))
    }
}
