//! What the columns of rows mean: a field, something particular to the kind of row, or nothing.

use super::state::{Blanks, Named, RefusedColumn, RowKind, Slot, Writer};
use crate::input::Column;
use crate::rows::column_use::ColumnUse;
use crate::rows::columns::{self, Naming};
use crate::rows::fields;
use crate::rows::identity::{self, Seed};
use crate::rows::outcomes::OF_OUTCOMES;
use crate::rows::reading::Reading;
use crate::rows::report::ROW_OF_RUN;
use crate::rows::rules::{Problem, SET_BY_SERVICE, UNKNOWN_COLUMN};

impl<K: RowKind> Writer<K> {
    /// Returns the handle of a column. Equal names have equal handles, even for an unknown column.
    pub(in crate::rows) fn column(&mut self, name: &str) -> Column {
        if let Some(column) = self.handles.get(name) {
            return *column;
        }
        // A table of 2^32 columns does not fit in memory.
        let column = Column(u32::try_from(self.columns.len()).unwrap_or(u32::MAX));
        let slot = self.slot(name, column);
        let seed = self.seed(name, slot);
        let reading = self.add_reading(name);
        self.columns.push(Named {
            name: name.to_owned(),
            slot,
            seed,
            reading,
            blanks: Blanks::default(),
        });
        self.handles.insert(name.to_owned(), column);
        column
    }

    /// Returns what gives the columns their meaning.
    pub(in crate::rows) fn naming(&self) -> Naming<'_> {
        Naming {
            fields: K::FIELDS,
            mapping: &self.policy.names.mapping,
            settings: self.policy.names.settings.as_deref(),
        }
    }

    /// Returns the index of how a column is read.
    pub(in crate::rows) fn add_reading(&mut self, column: &str) -> usize {
        let own = self.readings[0].of_column(column, self.naming());
        let Some(own) = own else { return 0 };
        let known = self.readings.iter().position(|known| *known == own);
        known.unwrap_or_else(|| {
            self.readings.push(own);
            self.readings.len() - 1
        })
    }

    /// Returns how a column is read.
    pub(in crate::rows) fn reading_of(&self, column: Column) -> &Reading {
        &self.readings[self.place_of_reading(column)]
    }

    /// Returns the index of how a column is read.
    pub(in crate::rows) fn place_of_reading(&self, column: Column) -> usize {
        let named = self.columns.get(column.0 as usize);
        named.map_or(0, |named| named.reading)
    }

    /// Returns whether the cells of a column identify the rows of a run.
    pub(in crate::rows) fn identifies(&self, column: Column) -> bool {
        let named = self.columns.get(column.0 as usize);
        named.is_some_and(|named| named.seed.is_some())
    }

    /// Returns the seed for a column's cells in the identity of a row. `None` if the cells are excluded.
    ///
    /// Resumed calls use the columns' roles from the first call. The project's settings may change between
    /// calls, but the identity of a row must not.
    fn seed(&mut self, name: &str, slot: Slot<K::Slot>) -> Option<Seed> {
        match slot {
            _ if self.anonymous => return None,
            Slot::Number => return None,
            Slot::Own(own) if K::set_by(self, own).is_none() => return None,
            // A result may have been put beside the rows.
            Slot::Refused(refused) if self.refused[refused].problem.is_set_by_service() => return None,
            Slot::Ignored if !K::IGNORED_IDENTIFY => return None,
            Slot::Id => return Some(Seed::field("id")),
            _ => {}
        }
        let now_read = !matches!(slot, Slot::Ignored) && self.headings_may_grow;
        if let Some(known) = self.headings.get(name)
            && (known.is_some() || !now_read)
        {
            return known.as_deref().map(Seed::of);
        }
        let field = match slot {
            Slot::Field(field) => Some(field),
            // The meaning of the column is unknown without the project's settings.
            Slot::Refused(_) => fields::field_called(K::FIELDS, name),
            _ => None,
        };
        let meant = match field {
            Some(field) => identity::field(K::FIELDS.at(field).name),
            None => identity::heading(fields::bare(K::FIELDS, name)),
        };
        let counts =
            !matches!(slot, Slot::Ignored) || self.headings.values().flatten().any(|known| *known == meant);
        let seed = counts.then(|| Seed::of(&meant));
        self.headings.insert(name.to_owned(), counts.then_some(meant));
        seed
    }

    pub(in crate::rows) fn note_use(
        &mut self,
        column: &str,
        field: Option<String>,
        note: &str,
        title: Option<String>,
    ) {
        self.uses.push(ColumnUse {
            column: column.to_owned(),
            field,
            note: note.to_owned(),
            title,
        });
    }

    fn slot(&mut self, name: &str, column: Column) -> Slot<K::Slot> {
        if name == ROW_OF_RUN {
            self.has_rows_of_run = true;
            return Slot::Number;
        }
        if self.policy.shape.has_id() && name == self.policy.id_column {
            self.note_use(name, Some("id".to_owned()), "", None);
            return Slot::Id;
        }
        if K::FIELDS.0.is_empty() {
            return Slot::Ignored;
        }
        let mapped = columns::mapped(name, &self.policy.names.mapping);
        let meant = match mapped {
            Some((_, None)) => {
                self.note_use(name, None, "ignored by mapping=", None);
                return Slot::Ignored;
            }
            Some((_, Some(target))) => target.clone(),
            None if self.policy.names.outcomes.iter().any(|column| column == name) => {
                self.note_use(name, None, OF_OUTCOMES, None);
                return Slot::Ignored;
            }
            None => K::mapped_alike(self, name).unwrap_or(name).to_owned(),
        };
        let note = if meant == name { "" } else { "set by mapping=" };
        let slot = K::slot(self, name, &meant);
        match slot {
            Slot::Field(field) => {
                self.field_columns[field].get_or_insert(column);
                let field = K::FIELDS.at(field);
                self.note_use(
                    name,
                    Some(field.name.to_owned()),
                    note,
                    Some(field.heading.to_owned()),
                );
            }
            Slot::Own(own) => K::note_own(self, own, name, column, note),
            Slot::Refused(refused) => {
                let message = self.refused[refused].problem.message.clone();
                self.note_use(name, None, &message, None);
            }
            Slot::Id | Slot::Ignored | Slot::Number => {}
        }
        slot
    }

    /// Returns the slot of a column that makes rows invalid. `attribute` is the inactive custom attribute that it sets,
    /// if any.
    pub(in crate::rows) fn refuse_column(
        &mut self,
        problem: Problem,
        attribute: Option<Box<str>>,
    ) -> Slot<K::Slot> {
        self.refused.push(RefusedColumn { problem, attribute });
        Slot::Refused(self.refused.len() - 1)
    }

    /// Returns the slot of a column that only the service sets.
    pub(in crate::rows) fn refuse_service(&mut self, name: &str, fix: &str) -> Slot<K::Slot> {
        let message = format!("`{name}` is set by the service and cannot be written");
        self.refuse_column(SET_BY_SERVICE.problem(name, "", message, fix), None)
    }

    /// Returns the slot of a column whose name is unknown. `near` is the known name that is closest, if any is close.
    pub(in crate::rows) fn refuse_unknown(&mut self, name: &str, near: Option<String>) -> Slot<K::Slot> {
        let message = format!("unknown column `{name}`");
        let fix = near.map_or_else(String::new, |known| {
            format!("did you mean `{known}`? Rename the column, or drop it")
        });
        self.refuse_column(UNKNOWN_COLUMN.problem(name, "", message, &fix), None)
    }
}
