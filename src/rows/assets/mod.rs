//! New assets and patches of assets: names, custom attributes, import keys and comparisons.

mod attribute;
mod columns;
mod current;
mod doubts;
mod edits;
mod end;
mod entries;
mod import_key;
mod kind;
mod lookup_cache;
mod misread;
mod names;
mod notices;
mod placeholder;
mod resolve;
mod state;
mod together;
mod typed;

pub(super) use state::Assets;
