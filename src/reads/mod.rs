//! Whole reads: lists, assets by their ids or by another field, error codes, and the settings of a project.

pub mod by_field;
pub mod error_codes;
pub mod rest;
pub mod saved;
pub mod settings;
pub mod shared_settings;
