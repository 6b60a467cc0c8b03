//! Packs as plans see them: records, and the checksums of their blocks.

use anyhow::{Result, bail};
use rayon::prelude::*;
use shared::checksum::{Blocks, Summed};
use shared::plan::{Objects, PackRec, PlanView, pack_summed};
use shared::pod;
use shared::record::ObjectView;
use std::sync::atomic::AtomicU8;

/// A pack's records, of which each block is compared with its checksum before the first use.
pub struct Pack<'a> {
    bytes: &'a [u8],
    /// `None`: this process has written the pack.
    summed: Option<Summed<'a>>,
    verified: Vec<AtomicU8>,
}

impl<'a> Pack<'a> {
    /// The pack in `file` that `record` of a plan is about; `None` if it is another one.
    pub fn new(file: &'a [u8], record: &PackRec) -> Option<Self> {
        if record.len == 0 {
            // A place for a pack that is not there yet.
            return Some(Self::none());
        }
        let summed = pack_summed(file, record)?;
        let verified = (0..Blocks::states(record.len)).map(|_| AtomicU8::new(0)).collect();
        Some(Self { bytes: summed.bytes(), summed: Some(summed), verified })
    }

    /// No pack.
    pub fn none() -> Self {
        Self { bytes: &[], summed: None, verified: Vec::new() }
    }

    /// A pack that this process has written.
    pub fn written(file: &'a [u8], record: &PackRec) -> Self {
        Self { bytes: &file[..record.len as usize], summed: None, verified: Vec::new() }
    }

    /// What knows which of its bytes are those that were linked.
    pub fn checked(&self) -> Blocks<'_> {
        match self.summed {
            Some(summed) => Blocks::new(summed, &self.verified),
            None => Blocks::trusted(self.bytes),
        }
    }

    /// Whether these bytes, which lie in the pack, are what was linked.
    pub fn verify(&self, bytes: &[u8]) -> bool {
        self.checked().verify(bytes)
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
        ObjectView::verified(&pack.checked(), bytes)
    }

    fn checked(&self, number: u32) -> Option<Blocks<'_>> {
        self.place(number).map(|(pack, _)| pack.checked())
    }
}
