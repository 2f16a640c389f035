//! Whole reads: lists, assets by their ids or by another field, and the settings of a project.

pub mod by_field;
pub mod rest;
pub mod settings;
pub mod shared_settings;
