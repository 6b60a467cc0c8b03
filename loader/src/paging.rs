//! What is done about lazy memory before the program starts: chunks that are kept are mapped; for the rest there is a
//! mechanism and a thread in the background. Where nothing is missing, there is neither.

use crate::environment::{Environment, PagerChoice};
use crate::image::Image;
use crate::{background, guards, hooks, install, journal, kept, open, pager, sys};
use shared::log::Pager;

/// Returns whether anything is lazy.
pub fn begin(image: &'static Image, environment: &Environment, started: u64) -> bool {
    let is_eager = image.plan.header.flags & shared::plan::flag::EAGER != 0;
    // A debugger can put no breakpoint into what is not there, and sees a signal at each first touch. valgrind translates
    // code before it runs.
    let is_eager = is_eager || environment.watched || (!environment.traced && sys::is_in_valgrind());
    let choice = if is_eager { PagerChoice::Eager } else { environment.pager };
    if environment.keep && !environment.profile && environment.pager != PagerChoice::Eager {
        kept::open(image);
    }
    if let Some(pages) = everything_is_kept(image) {
        journal::start_complete(image, started);
        journal::from_kept(pages);
        kept::close();
        hooks::install(image);
        guards::stand(image, false);
        return false;
    }
    open::open_packs(image);
    let (pager, uffd) = pager::choose(choice);
    if pager == Pager::Uffd {
        pager::register_regions(image, uffd);
    }
    let pages = kept::map_all(image).unwrap_or(0);
    journal::start(image, pager, started);
    journal::from_kept(pages);
    if pager != Pager::Uffd {
        kept::use_memory(image);
    }
    hooks::install(image);
    if pager == Pager::Eager {
        // What is rendered now need not be rendered by the next launch.
        let missing = || image.lazy_chunks().filter(|chunk| !kept::has(*chunk));
        let rendered = missing().count() as u64 * (image.unit / shared::PAGE);
        if kept::is_open() && missing().all(|chunk| install::keep(image, chunk)) {
            let mapped = kept::map_all(image).unwrap_or(0);
            journal::rendered(rendered.min(mapped), false);
            journal::from_kept(mapped.saturating_sub(rendered));
        }
        for chunk in image.lazy_chunks().filter(|chunk| !image.is_installed(*chunk)) {
            if let Some(pages) = install::chunk(image, chunk) {
                journal::rendered(pages, false);
            }
        }
        kept::close();
        guards::stand(image, false);
        return false;
    }
    kept::stay();
    pager::arm();
    guards::stand(image, true);
    if !environment.profile {
        background::start(image, environment);
    }
    true
}

/// Maps all lazy memory from files, if all of it is kept. Returns the number of pages.
fn everything_is_kept(image: &'static Image) -> Option<u64> {
    if !kept::has_all(image) {
        return None;
    }
    let pages = kept::map_all(image);
    if pages.is_none() {
        kept::unmap_all(image);
    }
    pages
}
