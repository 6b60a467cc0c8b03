//! What `unfold status APP --json` says, read strictly: a field that is missing or of another type fails
//! the test with the whole text, because people's scripts read this too.

use std::path::Path;

use serde_json::Value;

use crate::run::{program, run_tool};

#[derive(Debug)]
pub struct Status {
    pub generation: u64,
    /// Whether the last link only patched the generation before.
    pub incremental: bool,
    /// If it did not, why not.
    pub why_full: Option<String>,
    pub objects: u64,
    /// What the last link read again.
    pub reindexed: Vec<Reindexed>,
    pub pages_total: u64,
    /// There is none before the first run.
    pub last_run: Option<LastRun>,
}

#[derive(Debug)]
pub struct Reindexed {
    pub path: String,
    /// The member, if `path` is an archive; null and an empty text both say that it is none.
    pub member: Option<String>,
    pub reason: String,
}

#[derive(Debug)]
pub struct LastRun {
    pub pager: String,
    pub faults: u64,
    pub pages_rendered: u64,
    pub pages_from_kept: u64,
    pub pages_prefetched: u64,
}

impl Status {
    pub fn of(unfold: &Path, app: &Path) -> Status {
        let outcome = run_tool(program(unfold).arg("status").arg(app).arg("--json"))
            .unwrap_or_else(|error| panic!("{error}"));
        let text = outcome.stdout_text();
        let json: Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("`unfold status --json`: {error}\n{text}"));
        Reader { json: &json, text: &text }.status()
    }
}

/// A JSON object together with the text to show when it is not as it should be.
struct Reader<'a> {
    json: &'a Value,
    text: &'a str,
}

impl Reader<'_> {
    fn status(&self) -> Status {
        Status {
            generation: self.number("generation"),
            incremental: self.get("incremental", Value::as_bool),
            why_full: self.optional_text("why_full"),
            objects: self.number("objects"),
            reindexed: self
                .get("reindexed", |value| value.as_array().cloned())
                .iter()
                .map(|json| Reader { json, text: self.text }.reindexed())
                .collect(),
            pages_total: self.number("pages_total"),
            last_run: match &self.json["last_run"] {
                Value::Null => None,
                json => Some(Reader { json, text: self.text }.last_run()),
            },
        }
    }

    fn reindexed(&self) -> Reindexed {
        Reindexed {
            path: self.text("path"),
            member: self.optional_text("member").filter(|member| !member.is_empty()),
            reason: self.text("reason"),
        }
    }

    fn last_run(&self) -> LastRun {
        LastRun {
            pager: self.text("pager"),
            faults: self.number("faults"),
            pages_rendered: self.number("pages_rendered"),
            pages_from_kept: self.number("pages_from_kept"),
            pages_prefetched: self.number("pages_prefetched"),
        }
    }

    fn number(&self, field: &str) -> u64 {
        self.get(field, Value::as_u64)
    }

    fn text(&self, field: &str) -> String {
        self.get(field, |value| value.as_str().map(str::to_owned))
    }

    fn optional_text(&self, field: &str) -> Option<String> {
        if self.json[field].is_null() { None } else { Some(self.text(field)) }
    }

    fn get<T>(&self, field: &str, convert: impl Fn(&Value) -> Option<T>) -> T {
        convert(&self.json[field])
            .unwrap_or_else(|| panic!("`unfold status --json`: no proper `{field}` in\n{}", self.text))
    }
}
