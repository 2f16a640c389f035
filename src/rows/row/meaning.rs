//! What the columns of rows mean: a field, a custom attribute, or nothing.

use std::collections::BTreeMap;

use super::{Attribute, Blanks, ColumnUse, Named, RowWriter, Slot};
use crate::api::RowShape;
use crate::input::Column;
use crate::rows::columns::{self, Meant, RowOfRun};
use crate::rows::current::OF_SERVICE;
use crate::rows::fields::{self, CUSTOM_ATTRIBUTES, FIELDS};
use crate::rows::identity::{self, Seed};
use crate::rows::outcomes::OF_OUTCOMES;
use crate::rows::policy::Names;
use crate::rows::reading::Reading;
use crate::rows::rules::{SET_BY_SERVICE, UNKNOWN_COLUMN};

impl RowWriter {
    /// Returns the handle of a column. Equal names have equal handles, even for an unknown column.
    pub fn column(&mut self, name: &str) -> Column {
        if let Some(column) = self.handles.get(name) {
            return *column;
        }
        // A table of 2^32 columns does not fit in memory.
        let column = Column(u32::try_from(self.columns.len()).unwrap_or(u32::MAX));
        let slot = self.slot(name, column);
        let seed = self.seed(name, &slot);
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

    /// Returns the index of how a column is read.
    pub(super) fn add_reading(&mut self, column: &str) -> usize {
        let Names {
            mapping, settings, ..
        } = &self.policy.names;
        let own = self.readings[0].of_column(column, mapping, settings.as_deref());
        let Some(own) = own else { return 0 };
        let known = self.readings.iter().position(|known| *known == own);
        known.unwrap_or_else(|| {
            self.readings.push(own);
            self.readings.len() - 1
        })
    }

    /// Returns how a column is read.
    pub(in crate::rows) fn reading_of(&self, column: Column) -> &Reading {
        let own = self
            .columns
            .get(column.0 as usize)
            .map_or(0, |named| named.reading);
        &self.readings[own]
    }

    /// Returns the seed for a column's cells in the identity of a row. `None` if the cells are excluded.
    ///
    /// Resumed calls use the columns' roles from the first call. The project's settings may change between
    /// calls, but the identity of a row must not.
    pub(super) fn seed(&mut self, name: &str, slot: &Slot) -> Option<Seed> {
        match slot {
            _ if self.anonymous => return None,
            Slot::Number | Slot::Service(_) => return None,
            // A result may have been put beside the rows.
            Slot::Refused(problem, _) if problem.is_set_by_service() => return None,
            Slot::Ignored if self.policy.shape == RowShape::Id => return None,
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
            Slot::Field(field) => Some(*field),
            // The meaning of the column is unknown without the project's settings.
            Slot::Refused(..) => columns::base_field(name),
            _ => None,
        };
        let meant = match field {
            Some(field) => identity::field(FIELDS[field].name),
            None => identity::heading(columns::bare(name)),
        };
        let counts =
            !matches!(slot, Slot::Ignored) || self.headings.values().flatten().any(|known| *known == meant);
        let seed = counts.then(|| Seed::of(&meant));
        self.headings.insert(name.to_owned(), counts.then_some(meant));
        seed
    }

    /// Returns each column's role in the identity of a row, or `None` for a column without a role. When a run
    /// is resumed, the roles are set before the first column is added.
    pub fn headings(&mut self) -> &mut BTreeMap<String, Option<String>> {
        &mut self.headings
    }

    /// Lets columns that were ignored in the first call identify rows from now on, because no row was sent.
    pub fn let_headings_grow(&mut self) {
        self.headings_may_grow = true;
    }

    /// Returns the field or custom attribute that a column sets, or `Some(None)` for an ignored column. Returns `None`
    /// for a column that no valid row of this call sends.
    pub fn field_of(&self, column: Column) -> Option<Option<String>> {
        let field = match &self.columns.get(column.0 as usize)?.slot {
            Slot::Id => "id",
            Slot::Ignored => return Some(None),
            Slot::Field(field) => FIELDS[*field].name,
            Slot::Attribute(attribute) => &self.attributes[*attribute].name,
            Slot::Attributes => CUSTOM_ATTRIBUTES,
            Slot::Number | Slot::Service(_) | Slot::Refused(..) => return None,
        };
        Some(Some(field.to_owned()))
    }

    /// Returns the heading of a field, or the display name of a custom attribute if it is known.
    pub fn title_of(&self, field: &str) -> String {
        let heading = FIELDS.iter().find(|known| known.name == field);
        let settings = self.policy.names.settings.as_deref();
        let attribute = settings.and_then(|settings| {
            let place = settings.attribute_of_name(field)?;
            Some(settings.content().attributes[place].display_name.as_str())
        });
        let title = heading.map(|field| field.heading).or(attribute);
        title.unwrap_or(field).to_owned()
    }

    /// Returns whether the rows have the columns of a file written by `write_fixes`, except the hidden one.
    pub fn are_of_report(&self) -> bool {
        let ignored = |title: &str| {
            let named = |column: &&Named| {
                column
                    .name
                    .strip_suffix(columns::OF_REPORT_MARK)
                    .unwrap_or(&column.name)
                    == title
            };
            self.columns
                .iter()
                .find(named)
                .is_some_and(|column| matches!(column.slot, Slot::Ignored))
        };
        ignored(columns::PROBLEM) && ignored(columns::FIX) && !self.handles.contains_key(columns::ROW_OF_RUN)
    }

    /// Compares the columns that identify rows with those of an earlier call. Returns the columns that were added, and
    /// those that are missing.
    pub fn column_changes(&self, before: &BTreeMap<String, Option<String>>) -> (Vec<&str>, Vec<String>) {
        let role = |name: &str| self.headings.get(name)?.as_deref();
        let roles: Vec<(&str, &str)> = self
            .columns
            .iter()
            .filter_map(|column| Some((column.name.as_str(), role(&column.name)?)))
            .collect();
        let is_new = |(name, role): &&(&str, &str)| {
            let others = || roles.iter().filter(|(_, other)| other == role).count() > 1;
            let known = before.values().flatten().any(|known| known == role);
            !before.contains_key(*name) && (!known || others())
        };
        let is_missing = |known: &str| !roles.iter().any(|(_, role)| *role == known);
        let missing = before
            .iter()
            .filter(|(_, role)| role.as_deref().is_some_and(is_missing));
        (
            roles.iter().filter(is_new).map(|(name, _)| *name).collect(),
            missing.map(|(name, _)| name.clone()).collect(),
        )
    }

    /// Returns the digest of the row that just ended, valid or not.
    pub fn digest(&self) -> u64 {
        self.identity.digest()
    }

    /// Returns the run of the row that just ended, and the row's number in that run, if the row comes from a
    /// file written by `write_fixes`.
    pub fn numbered(&self) -> Option<&RowOfRun> {
        self.numbered.as_ref()
    }

    pub(super) fn slot(&mut self, name: &str, column: Column) -> Slot {
        if name == columns::ROW_OF_RUN {
            self.has_rows_of_run = true;
            return Slot::Number;
        }
        if self.policy.shape != RowShape::NewAsset && name == self.policy.id_column {
            self.note_use(name, Some("id".to_owned()), "", None);
            return Slot::Id;
        }
        if self.policy.shape == RowShape::Id {
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
            None => self.mapped_alike(name).unwrap_or(name).to_owned(),
        };
        let is_mapped = meant != name;
        let slot = match self.names.as_ref().map(|names| names.settings.clone()) {
            Some(settings) => match columns::meant(&meant, &settings) {
                Meant::Field(field) => Slot::Field(field),
                Meant::Attributes => Slot::Attributes,
                Meant::Attribute(place) => {
                    let name = settings.content().attributes[place].name.clone();
                    Slot::Attribute(self.attribute(&name))
                }
                Meant::SetByService => self.service_slot(name, &meant),
                Meant::Ignored(why) => {
                    self.note_use(name, None, why, None);
                    return Slot::Ignored;
                }
                // An attribute may have such a heading, too, so this comes last.
                Meant::Unknown(_)
                    if self.policy.shape == RowShape::AssetPatch && fields::of_service(&meant).is_some() =>
                {
                    self.service_slot(name, &meant)
                }
                Meant::Unknown(near) => {
                    self.note_use(name, None, columns::NOT_RECOGNIZED, near);
                    return Slot::Ignored;
                }
                Meant::Unclear(message, fix) => {
                    let attribute = settings.inactive_attribute(columns::bare(&meant));
                    let attribute = attribute.map(|place| &settings.content().attributes[place].name);
                    let problem = UNKNOWN_COLUMN.problem(name, "", message, &fix);
                    Slot::Refused(Box::new(problem), attribute.map(|name| name.as_str().into()))
                }
            },
            None => self.exact_slot(&meant),
        };
        match &slot {
            Slot::Field(field) => {
                self.field_columns[*field].get_or_insert(column);
                let field = &FIELDS[*field];
                self.note_use(
                    name,
                    Some(field.name.to_owned()),
                    mapped_note(is_mapped),
                    Some(field.heading.to_owned()),
                );
            }
            Slot::Attribute(attribute) => {
                let attribute = &mut self.attributes[*attribute];
                attribute.column.get_or_insert(column);
                let (field, known) = (attribute.name.clone(), attribute.known);
                let title = self.names.as_ref().and_then(|names| {
                    let attribute = names.settings.content().attributes.get(known?)?;
                    Some(attribute.display_name.clone())
                });
                self.note_use(name, Some(field), mapped_note(is_mapped), title);
            }
            Slot::Attributes => self.note_use(name, Some(CUSTOM_ATTRIBUTES.to_owned()), "", None),
            Slot::Refused(problem, _) => {
                let message = problem.message.clone();
                self.note_use(name, None, &message, None);
            }
            Slot::Service(_) => self.note_use(name, None, OF_SERVICE, None),
            Slot::Id | Slot::Ignored | Slot::Number => {}
        }
        slot
    }

    /// Returns what a column is mapped to in another spelling, unless it is recognized as it is.
    fn mapped_alike(&self, name: &str) -> Option<&str> {
        let settings = &self.names.as_ref()?.settings;
        let is_unknown = matches!(columns::meant(name, settings), Meant::Unknown(_));
        columns::mapped_alike(name, &self.policy.names.mapping).filter(|_| is_unknown)
    }

    /// Returns the slot of a column with a field that only the service sets. In a patch, such a column shows that
    /// the rows were read from the service.
    pub(super) fn service_slot(&self, name: &str, meant: &str) -> Slot {
        let is_patch = self.policy.shape == RowShape::AssetPatch;
        match fields::of_service(meant).filter(|_| is_patch) {
            Some(field) => Slot::Service(field),
            None => set_by_service(name),
        }
    }

    pub(super) fn note_use(
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

    /// Returns the meaning of each column, in order of appearance.
    pub fn uses(&self) -> &[ColumnUse] {
        &self.uses
    }

    /// Returns the meaning of a column, determined without the project's settings. Only the API names of fields and
    /// attributes are recognized.
    pub(super) fn exact_slot(&mut self, name: &str) -> Slot {
        if let Some(field) = FIELDS.iter().position(|field| field.name == name) {
            return Slot::Field(field);
        }
        if name == CUSTOM_ATTRIBUTES {
            return Slot::Attributes;
        }
        let attribute = columns::bare(name);
        if fields::is_attribute(attribute) {
            return Slot::Attribute(self.attribute(attribute));
        }
        if columns::is_of_report(name) {
            return Slot::Ignored;
        }
        if fields::is_set_by_the_service(name) {
            return self.service_slot(name, name);
        }
        let id_column = (self.policy.shape == RowShape::AssetPatch).then_some(self.policy.id_column.as_str());
        let (message, fix) = match fields::nearest(name, id_column) {
            Some(known) => (
                format!("unknown column `{name}`"),
                format!("did you mean `{known}`? Rename the column, or drop it"),
            ),
            None => (format!("unknown column `{name}`"), String::new()),
        };
        Slot::Refused(Box::new(UNKNOWN_COLUMN.problem(name, "", message, &fix)), None)
    }

    pub(in crate::rows) fn attribute(&mut self, name: &str) -> usize {
        if let Some(index) = self.attribute_indexes.get(name) {
            return *index;
        }
        let index = self.attributes.len();
        let known = self
            .names
            .as_ref()
            .and_then(|names| names.settings.attribute_of_name(name));
        self.attributes.push(Attribute {
            name: name.to_owned(),
            known,
            column: None,
            opening: opening(name),
            last_given: 0,
        });
        self.attribute_indexes.insert(name.to_owned(), index);
        index
    }

    /// Returns the heading of the column that sets a field or custom attribute, or else its name.
    pub fn heading_of(&self, field: &str) -> String {
        if let Some(field) = FIELDS.iter().position(|known| known.name == field) {
            return self.field_called(field);
        }
        let attribute = self.attribute_indexes.get(field);
        let column = attribute.and_then(|attribute| self.attribute_column(*attribute));
        let entry = || {
            let mut entries = self.entries.iter();
            entries.find(|entry| entry.attribute.is_some() && entry.attribute == attribute.copied())
        };
        // No column has the attribute.
        let shown = || {
            let settings = self.names.as_ref()?.settings.content();
            let attribute = settings.attributes.iter().find(|known| known.name == field)?;
            Some(attribute.display_name.clone())
        };
        column
            .or_else(|| Some(entry()?.name.clone()))
            .or_else(shown)
            .unwrap_or_else(|| field.to_owned())
    }
}

pub(super) fn mapped_note(is_mapped: bool) -> &'static str {
    if is_mapped { "set by mapping=" } else { "" }
}

pub(super) fn set_by_service(name: &str) -> Slot {
    let message = format!("`{name}` is set by the service and cannot be written");
    // Rows with ids are assets of the project. Without the column, they would be created again.
    let fix = if name == "id" {
        "pass only the rows of new assets, without this column; to change assets, use patch()"
    } else {
        ""
    };
    Slot::Refused(Box::new(SET_BY_SERVICE.problem(name, "", message, fix)), None)
}

/// Returns the JSON before a value: `"name":`. The name must not need escapes.
pub(super) fn opening(name: &str) -> String {
    format!("\"{name}\":")
}

/// Returns whether a name is used only in the API. People also write "description" and "barcode".
pub(super) fn is_api_name(name: &str) -> bool {
    name.ends_with("Id") && FIELDS.iter().any(|field| field.name == name)
}
