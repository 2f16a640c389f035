//! Lookups of assets by a field other than their id.

use super::{fields, value};
use crate::api::assets::FIELDS;
use crate::api::assets::fields::{BARCODE, CLIENT_ASSET_ID};
use crate::input::Cell;
use crate::model::text::trimmed;
use crate::settings::{LookupError, Settings};

/// Finds the field that a lookup names: the Asset ID, the barcode or a text attribute. Returns `None` if only the
/// project's settings can tell.
///
/// # Errors
/// A message if there is no such field, or if it cannot identify assets.
pub fn field_of(named: &str, settings: Option<&Settings>) -> Result<Option<String>, String> {
    let says = |why: &str| {
        Err(format!(
            "by must be \"Asset ID\", \"Barcode\" or a text attribute, not {named:?}: {why}"
        ))
    };
    match fields::field_called(FIELDS, named).map(|field| FIELDS.at(field).name) {
        Some(name @ (CLIENT_ASSET_ID | BARCODE)) => return Ok(Some(name.to_owned())),
        Some(_) => return says("use list() with a filter instead"),
        None => {}
    }
    let Some(settings) = settings else { return Ok(None) };
    let name = fields::bare(FIELDS, named);
    let attributes = &settings.content().attributes;
    match settings.attribute_meant(name, false) {
        Ok(place) if attributes[place].data_type == "text" => Ok(Some(attributes[place].name.clone())),
        Ok(place) => says(&format!("its type is {}", attributes[place].data_type)),
        Err(error @ LookupError::Unknown(_)) => says(&format!(
            "{}; {}",
            error.reason("attribute"),
            error.fix("attribute")
        )),
        Err(error) => says(&error.reason("attribute")),
    }
}

/// Returns the text of a cell that identifies an asset, or `None` if the cell is blank.
///
/// # Errors
/// If the cell contains neither a text nor a number.
pub fn text_of(cell: &Cell<'_>) -> Result<Option<String>, NoText> {
    let text = match cell {
        Cell::Null | Cell::Clear => return Ok(None),
        Cell::Text(text) | Cell::Shown { text, .. } => trimmed(text).to_owned(),
        number => {
            let mut json = Vec::new();
            match value::number(number, &mut json) {
                // Digits are written as a JSON string.
                Some(Ok(())) => String::from_utf8_lossy(&json).trim_matches('"').to_owned(),
                _ => return Err(NoText),
            }
        }
    };
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A cell contains neither a text nor a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoText;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_identify_assets_by_their_digits() {
        for (cell, text) in [
            (Cell::Text(" AHU-1\t"), Some("AHU-1")),
            (Cell::Text(" "), None),
            (Cell::Null, None),
            (Cell::Int(42), Some("42")),
            (Cell::Float(42.0), Some("42")),
            (Cell::Digits("12345678901234567890"), Some("12345678901234567890")),
            (
                Cell::Shown {
                    number: 59,
                    text: "000059",
                    format: "000000",
                },
                Some("000059"),
            ),
        ] {
            assert_eq!(text_of(&cell), Ok(text.map(str::to_owned)), "{cell:?}");
        }
        for cell in [
            Cell::Bool(true),
            Cell::Float(f64::INFINITY),
            Cell::List(Vec::new()),
        ] {
            assert_eq!(text_of(&cell), Err(NoText), "{cell:?}");
        }
    }
}
