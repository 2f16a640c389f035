//! Rows of ids, such as those of a delete. All other columns are ignored.

use std::convert::Infallible;

use uuid::Uuid;

use crate::api::field::Fields;
use crate::rows::json;
use crate::rows::policy::Policy;
use crate::rows::rules::Problem;
use crate::rows::writer::{Given, RowKind, Slot, Writer};

/// The fixes for a row without an id: for a blank cell, and for a missing column.
const FIXES_OF_ID: [&str; 2] = ["fill in the cell", "pass the name of the id column as key="];

pub(super) struct Ids;

impl RowKind for Ids {
    type Slot = Infallible;

    const FIELDS: Fields = Fields(&[]);

    const IGNORED_IDENTIFY: bool = false;

    fn new(_policy: &Policy) -> Self {
        Self
    }

    fn begin(_writer: &mut Writer<Self>, _out: &mut Vec<u8>) {}

    fn slot(_writer: &mut Writer<Self>, _name: &str, _meant: &str) -> Slot<Infallible> {
        Slot::Ignored
    }

    fn write_id(_writer: &mut Writer<Self>, _id: Uuid, text: &str, out: &mut Vec<u8>) {
        json::text(text, out);
    }

    fn end(writer: &mut Writer<Self>, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        if writer.id == Given::No {
            let why = format!("it identifies the {}", writer.policy.shape.noun());
            writer.missing_id(&why, FIXES_OF_ID);
        }
        writer.checked(out)
    }
}
