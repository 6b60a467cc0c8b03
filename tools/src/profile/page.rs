//! A profile as one page for browsers, which needs nothing else: data and drawing are in it.

use super::group::{short, thread_name};
use anyhow::Result;
use indexer::profile::Profile;
use serde_json::{Value, json};
use std::collections::HashMap;

const TEMPLATE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");

/// Each text once, by its number.
#[derive(Default)]
struct Texts<'a> {
    all: Vec<&'a str>,
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Texts<'a> {
    fn number(&mut self, text: &'a str) -> usize {
        *self.numbers.entry(text).or_insert_with(|| {
            self.all.push(text);
            self.all.len() - 1
        })
    }
}

pub fn page(profile: &Profile) -> Result<String> {
    let mut texts = Texts::default();
    let base = profile.regions.first().map_or(0, |region| region.start);
    let lane = |touch: &indexer::profile::Touch| {
        let place = profile.threads.iter().position(|thread| thread.id == touch.thread);
        if touch.background { profile.threads.len() } else { place.unwrap_or(0) }
    };
    let touches: Vec<Value> = profile
        .touches
        .iter()
        .map(|touch| {
            json!([
                touch.time_us,
                touch.cost_us,
                lane(touch),
                u8::from(touch.background) + u8::from(touch.needed == Some(false)),
                touch.address - base,
                touch.start - base,
                touch.end - base,
                texts.number(&touch.object),
                texts.number(&touch.section),
                touch.offset,
                texts.number(touch.function.as_deref().unwrap_or("")),
            ])
        })
        .collect();
    let extents = profile.extents.iter();
    let extents: Vec<Value> = extents
        .map(|extent| json!([extent.start - base, extent.end - base, texts.number(&extent.object)]))
        .collect();
    let regions = profile.regions.iter();
    let regions: Vec<Value> =
        regions.map(|region| json!([region.start - base, region.end - base, region.kind])).collect();
    let mut lanes: Vec<String> =
        profile.threads.iter().map(|thread| thread_name(profile, Some(thread.id))).collect();
    if profile.background.brought > 0 {
        lanes.push("background".to_owned());
    }
    let data = json!({
        "title": short(&profile.app),
        "head": super::table::head(profile).lines().collect::<Vec<_>>(),
        "base": base,
        "unit": profile.unit,
        "handover": profile.handover_us,
        "regions": regions,
        "extents": extents,
        "lanes": lanes,
        "touches": touches,
        "texts": texts.all,
    });
    // In a script, nothing may look like the end of it.
    let data = serde_json::to_string(&data)?.replace('<', "\\u003c");
    let (head, rest) = TEMPLATE.split_once("@DATA@").unwrap_or((TEMPLATE, ""));
    let (middle, end) = rest.split_once("@SCRIPT@").unwrap_or((rest, ""));
    Ok([head, &data, middle, SCRIPT, end].concat())
}
