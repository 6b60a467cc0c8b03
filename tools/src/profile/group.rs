//! Touches -> what they have in common: an object, a section, a function, a thread.

use super::By;
use indexer::profile::{Profile, Touch};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What touches are told apart by. What a way of counting does not ask for is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Key {
    pub object: String,
    pub section: String,
    pub function: String,
    pub symbol: String,
    pub thread: Option<u32>,
}

/// Touches that have something in common.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub key: Key,
    /// By threads of the program.
    pub touches: usize,
    pub cost_us: f64,
    /// When the first of these was, and the last.
    pub first_us: f64,
    pub last_us: f64,
    /// Brought ahead, and what that cost.
    pub background: usize,
    pub background_us: f64,
}

impl Group {
    pub fn json(&self) -> Value {
        let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        json!({
            "object": text(&self.key.object),
            "section": text(&self.key.section),
            "function": text(&self.key.function),
            "symbol": text(&self.key.symbol),
            "thread": self.key.thread,
            "touches": self.touches,
            "cost_us": rounded(self.cost_us),
            "first_us": rounded(self.first_us),
            "last_us": rounded(self.last_us),
            "background": self.background,
            "background_us": rounded(self.background_us),
        })
    }
}

/// To nanoseconds.
pub fn rounded(us: f64) -> f64 {
    (us * 1000.0).round() / 1000.0
}

/// The groups of a profile, what costs most first; by time, each touch is one, in their order.
pub fn groups(profile: &Profile, by: By) -> Vec<Group> {
    let mut numbers: HashMap<Key, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for touch in &profile.touches {
        let key = key(touch, by);
        let fresh = Group { key: key.clone(), first_us: touch.time_us, ..Group::default() };
        let number = match by {
            By::Time => groups.len(),
            _ => *numbers.entry(key).or_insert(groups.len()),
        };
        if number == groups.len() {
            groups.push(fresh);
        }
        let group = &mut groups[number];
        if touch.background {
            group.background += 1;
            group.background_us += touch.cost_us;
        } else {
            group.touches += 1;
            group.cost_us += touch.cost_us;
        }
        group.first_us = group.first_us.min(touch.time_us);
        group.last_us = group.last_us.max(touch.time_us);
    }
    if by != By::Time {
        let cost = |group: &Group| (group.cost_us, group.background_us);
        groups.sort_by(|a, b| cost(b).partial_cmp(&cost(a)).unwrap_or(std::cmp::Ordering::Equal));
    }
    groups
}

fn key(touch: &Touch, by: By) -> Key {
    let object = touch.object.clone();
    let section = touch.section.clone();
    let thread = (!touch.background).then_some(touch.thread);
    let function = touch.function.clone().unwrap_or_default();
    let symbol = touch.symbol.clone().unwrap_or_default();
    match by {
        By::Object => Key { object, ..Key::default() },
        By::Section => Key { object, section, ..Key::default() },
        By::Function => Key { object, section, function, symbol, thread: None },
        By::Thread => Key { thread, ..Key::default() },
        By::Time => Key { object, section, function, symbol, thread },
    }
}

/// The name of a thread for people.
pub fn thread_name(profile: &Profile, thread: Option<u32>) -> String {
    let Some(id) = thread else { return "background".to_owned() };
    let known = profile.threads.iter().find(|thread| thread.id == id);
    let name = known.and_then(|thread| thread.name.as_deref());
    let process = known.and_then(|thread| thread.process).map(u64::from);
    match (name, process) {
        (Some(name), Some(process)) if process != profile.pid => format!("{name} {id} (forked: {process})"),
        (Some(name), _) => format!("{name} {id}"),
        _ => id.to_string(),
    }
}

/// The last part of a path, with the member of an archive.
pub fn short(object: &str) -> &str {
    let path = object.split('(').next().unwrap_or(object);
    path.rfind('/').map_or(object, |slash| &object[slash + 1..])
}
