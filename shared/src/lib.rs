//! The words that the linker and the loader both speak.
//!
//! An image is a pure function from an address to bytes. Its arguments are a *plan* (what lies where,
//! and what every symbol comes to) and the *records* of the objects (their bytes and their relocations,
//! as they were when they were registered). Everything that evaluates this function calls
//! [`render::render`]: the loader at a fault, its background thread, the linker, `unfold bake` and the
//! tests.
//!
//! Read in this order: [`record`] (one object), [`plan`] (the image), [`edit`] (what a relocation
//! writes), [`render`] (a page), [`output`] (the executable), [`image`] (what was
//! rendered before), [`log`] (what a run touched).
//!
//! No allocation, no I/O, no clock and no globals: the loader calls this on the program's threads, inside
//! a signal handler, before there is a libc.
#![no_std]
#![deny(unsafe_code)]

pub mod addr;
pub mod checksum;
pub mod edit;
pub mod guards;
pub mod image;
pub mod log;
pub mod output;
pub mod plan;
pub mod pod;
pub mod record;
pub mod render;

pub use addr::{CHUNK, ImageAddr, PAGE};
