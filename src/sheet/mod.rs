//! Creates Excel files: rows that need fixing, templates to fill in, and tables that were read.

mod cells;
pub mod columns;
pub mod fixes;
mod format;
mod lists;
pub mod table;
pub mod template;
