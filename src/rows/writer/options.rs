//! Notes on the options that are about columns: which columns are filled, and which ones do not exist.

use super::state::{Blanks, RowKind, Writer};
use crate::model::text::composed;
use crate::rows::columns;
use crate::settings::names::{folded, folded_heading, nearest};

impl<K: RowKind> Writer<K> {
    /// Returns the names of the columns.
    pub(super) fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|named| named.name.as_str())
    }

    /// Returns notes on the options that are about columns: which columns are filled, and which ones do not exist.
    pub(super) fn notes_on_options(&self) -> Vec<String> {
        let (reading, mapping) = (&self.policy.names.reading, &self.policy.names.mapping);
        let naming = self.naming();
        let has = |name: &str| {
            let is_used = |column: &str| columns::mapped_alike(column, mapping).is_some();
            let is_alike = |column: &str| folded_heading(column) == folded_heading(name) && is_used(column);
            self.column_names()
                .any(|column| composed(column) == composed(name) || is_alike(column))
        };
        let of_name = |name: &str| {
            self.column_names()
                .find(|column| columns::is_called(column, name, naming))
        };
        // The values of a dict of attributes have these options too.
        let of_entry = |name: &str| K::has_entry(self, &|entry| columns::is_called(entry, name, naming));
        if self.column_names().next().is_none() {
            return Vec::new();
        }
        let mut notes = self.notes_on_fills();
        let typed = [
            (
                "decimal=",
                reading.decimal() != '.' || !reading.decimal_of.is_empty(),
            ),
            (
                "thousands=",
                reading.thousands.is_some() || !reading.thousands_of.is_empty(),
            ),
            (
                "dayfirst=",
                reading.dayfirst.is_some() || !reading.dayfirst_of.is_empty(),
            ),
            ("true_values=", !reading.true_values.is_empty()),
            ("false_values=", !reading.false_values.is_empty()),
        ];
        let typed: Vec<&str> = typed
            .iter()
            .filter(|(_, is_given)| *is_given && self.policy.names.settings.is_none())
            .map(|(option, _)| *option)
            .collect();
        if !typed.is_empty() {
            notes.push(format!(
                "without the project's settings (settings=None), these options have no effect: {}",
                typed.join(", ")
            ));
        }
        let of_mapping = names_of(mapping).into_iter().filter(|from| !has(from));
        let is_missing = |name: &&String| of_name(name).is_none();
        let of_cells = [
            ("values", names_of(&reading.values)),
            ("fill_down", reading.fill_down.iter().collect()),
        ];
        let of_cells =
            of_cells.map(|(option, names)| (option, names.into_iter().filter(is_missing).collect()));
        let of_texts = [
            ("decimal", names_of(&reading.decimal_of)),
            ("thousands", names_of(&reading.thousands_of)),
            ("dayfirst", names_of(&reading.dayfirst_of)),
        ];
        let of_texts = of_texts.map(|(option, names)| {
            let names = names.into_iter().filter(is_missing);
            (option, names.filter(|name| !of_entry(name)).collect())
        });
        let missing: Vec<(&str, Vec<&String>)> = std::iter::once(("mapping", of_mapping.collect()))
            .chain(of_cells)
            .chain(of_texts)
            .collect();
        notes.extend(
            missing
                .into_iter()
                .filter(|(_, names)| !names.is_empty())
                .map(|(option, names)| {
                    let shown: Vec<String> = names.into_iter().map(|name| self.with_nearest(name)).collect();
                    format!(
                        "{option}= names columns that the rows do not have: {}",
                        shown.join(", ")
                    )
                }),
        );
        notes
    }

    /// Returns how many cells `fill_down` filled, and which other columns are blank in the same rows.
    fn notes_on_fills(&self) -> Vec<String> {
        let named = |column: u32| self.column_names().nth(column as usize);
        let fills = self.fills.iter();
        let fills: Vec<(&str, Blanks)> = fills
            .filter_map(|(column, filled)| Some((named(*column)?, *filled)))
            .collect();
        let filled = fills.iter().map(|(column, filled)| match filled.count {
            1 => format!("1 blank cell of `{column}` has the value of the row above (fill_down=)"),
            count => {
                format!("{count} blank cells of `{column}` have the value of the row above (fill_down=)")
            }
        });
        let all: Vec<&String> = self.policy.names.reading.fill_down.iter().collect();
        let alike = self.blank_columns().filter_map(|(column, blanks)| {
            let (same, _) = fills
                .iter()
                .find(|(_, filled)| *filled == blanks && filled.count > 1)?;
            let all: Vec<String> = all.iter().map(|name| format!("\"{name}\"")).collect();
            Some(format!(
                "`{column}` is blank in the same {} rows as `{same}`. If its cells are merged, too, set \
                 fill_down=[{}, \"{column}\"]",
                blanks.count,
                all.join(", ")
            ))
        });
        filled.chain(alike).collect()
    }

    fn with_nearest(&self, name: &str) -> String {
        let known = self.column_names().map(|column| (column, folded(column)));
        match nearest(name, known).first() {
            Some(near) => format!("`{name}` (did you mean `{near}`?)"),
            None => format!("`{name}`"),
        }
    }
}

fn names_of<T>(of: &[(String, T)]) -> Vec<&String> {
    of.iter().map(|(name, _)| name).collect()
}
