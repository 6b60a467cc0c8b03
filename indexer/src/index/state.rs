//! What a generation keeps of its link: for `unfold status`, and for the next link.

use serde::{Deserialize, Serialize};

/// `status.json` of a generation. The names are those of `unfold status --json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Status {
    pub output: String,
    pub incremental: bool,
    pub why_full: Option<String>,
    pub objects: usize,
    pub reindexed: Vec<Reread>,
    pub pages_total: u64,
    pub lazy_pages: u64,
    pub eager_pages: u64,
}

/// An object that was read at the last link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reread {
    pub path: String,
    pub member: String,
    pub reason: String,
}
