//! A plan, a patch on it and a pack, and everything that is made of them.
#![no_main]

use hostile::{Aligned, lasting, parts, take};
use indexer::index::kept;
use indexer::index::packs::{Pack, PackObjects};
use indexer::debug::Linked;
use indexer::whole::Whole;
use indexer::{emit, evident, plan as plans, symbols};
use libfuzzer_sys::{Corpus, fuzz_target};
use shared::checksum::{Blocks, checksum, sums_of};
use shared::plan::{CHECKSUM_FROM, HEADER, MAGIC, Objects, PackRec, Patch, PlanHeader, PlanView, RegionKind};
use shared::pod::bytes_of;
use shared::render::render;
use shared::{CHUNK, PAGE};
use std::sync::atomic::AtomicU8;

/// Images with so many bytes in use are rendered whole.
const MOST: u64 = 1 << 20;

fuzz_target!(|input: &[u8]| -> Corpus {
    let parts = parts(input);
    let part = |number: usize| parts.get(number).copied().unwrap_or_default();
    let (mut plan, mut patch) = (Aligned::new(part(0)), Aligned::new(part(1)));
    let (pack, windows) = (Aligned::new(part(2)), part(3));
    if plan.bytes().len() < HEADER {
        return Corpus::Reject;
    }
    plan.put(0, MAGIC);

    // As the loader opens it: verified block by block, and perhaps damaged.
    if let [_, .., damage] = windows {
        let file = with_sums(plan.bytes(), *damage);
        if let Ok(summed) = shared::plan::summed(file.bytes()) {
            let states: Vec<AtomicU8> =
                (0..Blocks::states(summed.bytes().len() as u64)).map(|_| AtomicU8::new(0)).collect();
            if let Ok(view) = PlanView::with(Blocks::new(summed, &states), file.bytes()) {
                run(view, pack.bytes(), windows);
            }
        }
        shared::plan::check(file.bytes()).ok();
    }

    let header: PlanHeader = *shared::pod::get(plan.bytes(), 0).expect("it is long enough");
    patch.seal(shared::plan::PATCH_MAGIC);
    patch.put(16, patch.bytes().len() as u64);
    patch.put(24, header.checksum);
    patch.seal(shared::plan::PATCH_MAGIC);
    if let Ok(patch) = Patch::new(&header, patch.bytes()) {
        let plan = plan.bytes_mut();
        assert!(patch.replaced(plan).map(<[u8]>::len).max() <= Some(plan.len()));
        patch.apply(plan).ok();
    }

    let Ok(view) = PlanView::new(plan.bytes()) else { return Corpus::Reject };
    run(view, pack.bytes(), windows);
    Corpus::Keep
});

/// The plan with the tables of checksums behind it, of which one byte is another one unless `damage` is zero.
fn with_sums(plan: &[u8], damage: u8) -> Aligned {
    let bytes = &plan[HEADER..];
    let sums: Vec<u64> = sums_of(bytes).collect();
    let top: Vec<u64> = sums_of(bytes_of(&sums)).collect();
    let mut file = plan.to_vec();
    file.resize(plan.len().next_multiple_of(8), 0);
    file.extend_from_slice(bytes_of(&sums));
    file.extend_from_slice(bytes_of(&top));
    let mut file = Aligned::new(&file);
    file.put(16, plan.len() as u64);
    file.put(24, checksum(bytes_of(&top)));
    let sum = checksum(&file.bytes()[CHECKSUM_FROM..HEADER]);
    file.put(8, sum);
    let at = file.bytes().len() - 1 - usize::from(damage);
    if damage != 0 && at >= HEADER {
        file.bytes_mut()[at] ^= 1;
    }
    file
}

fn run(view: PlanView<'_>, pack: &[u8], mut windows: &[u8]) {
    // SAFETY: nothing is kept.
    let pack = unsafe { lasting(pack) };
    let record = |len: u64| PackRec { len, ..PackRec::default() };
    let packs = view.packs.iter().enumerate().map(|(number, _)| match number {
        0 => Pack::written(pack, &record(pack.len() as u64)),
        _ => Pack::none(),
    });
    let objects = PackObjects { plan: view, packs: packs.collect() };
    objects.check().ok();

    for region in view.regions.iter().filter(|region| region.len() != 0).take(8) {
        let mut buffer = vec![0; CHUNK.min(region.len()) as usize];
        render(&view, &objects, region.start, &mut buffer).ok();
    }
    for _ in 0..8 {
        if windows.is_empty() {
            break;
        }
        let start = view.header.base + u64::from(u32::from_le_bytes(take(&mut windows)));
        let mut buffer = vec![0; usize::from(u16::from_le_bytes(take(&mut windows)))];
        render(&view, &objects, start, &mut buffer).ok();
    }
    for chunk in 0..kept::chunk_count(&view).min(64) {
        kept::chunk_range(&view, chunk);
    }
    for number in (0..view.objects.len() as u32).take(64) {
        if let Some(record) = objects.object(number) {
            symbols::functions(&record, |section| view.placement(number, section));
            for global in 0..record.globals.len().min(64) as u32 {
                view.slot_of(number, global);
            }
        }
    }
    let len = view.regions.iter().map(|region| region.len()).fold(0, u64::saturating_add);
    if len > MOST {
        return;
    }
    plans::image_len(&view);
    plans::render_eager(&view, &objects, |_, _| Ok::<(), ()>(())).ok();
    evident::of_image(&view, &objects).ok();
    let has_header = view.regions.iter().any(|region| {
        region.kind() == Some(RegionKind::Header) && region.len() >= PAGE && region.start == view.header.base
    });
    if has_header {
        let phdrs = vec![emit::Phdr::default(); 3];
        let whole = Whole { plan: view, phdrs, kind: 2, phdrs_at: 64, symbols: true, debug: Linked::default(), head: Vec::new() };
        whole.file(&objects).ok();
    }
}
