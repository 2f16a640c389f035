//! What the columns of assets mean: with the project's settings by any name, and without them by API names only.

use super::current::OF_SERVICE;
use super::state::{Assets, Attribute, Own};
use crate::api::RowShape;
use crate::api::assets::FIELDS;
use crate::api::assets::fields::CUSTOM_ATTRIBUTES;
use crate::input::Column;
use crate::rows::columns::{self, Meant};
use crate::rows::fields;
use crate::rows::json;
use crate::rows::report::is_of_report;
use crate::rows::rules::UNKNOWN_COLUMN;
use crate::rows::writer::{Slot, Writer};

impl Writer<Assets> {
    /// Returns what a column is whose name is `meant` after the mapping.
    pub(super) fn asset_slot(&mut self, name: &str, meant: &str) -> Slot<Own> {
        let Some(settings) = self.kind.names.as_ref().map(|names| names.settings.clone()) else {
            return self.exact_slot(meant);
        };
        match columns::meant(meant, &settings) {
            Meant::Field(field) => Slot::Field(field),
            Meant::Attributes => Slot::Own(Own::Attributes),
            Meant::Attribute(place) => {
                let name = &settings.content().attributes[place].name;
                Slot::Own(Own::Attribute(self.attribute(name)))
            }
            Meant::SetByService => self.service_slot(name, meant),
            Meant::Ignored(why) => {
                self.note_use(name, None, why, None);
                Slot::Ignored
            }
            // An attribute may have such a heading, too, so this comes last.
            Meant::Unknown(_)
                if self.policy.shape == RowShape::AssetPatch
                    && fields::of_service(FIELDS, meant).is_some() =>
            {
                self.service_slot(name, meant)
            }
            Meant::Unknown(near) => {
                self.note_use(name, None, columns::NOT_RECOGNIZED, near);
                Slot::Ignored
            }
            Meant::Unclear(message, fix) => {
                let attribute = settings.inactive_attribute(fields::bare(FIELDS, meant));
                let attribute = attribute.map(|place| &settings.content().attributes[place].name);
                let problem = UNKNOWN_COLUMN.problem(name, "", message, &fix);
                self.refuse_column(problem, attribute.map(|name| name.as_str().into()))
            }
        }
    }

    /// Returns the meaning of a column, determined without the project's settings. Only the API names of fields and
    /// attributes are recognized.
    fn exact_slot(&mut self, name: &str) -> Slot<Own> {
        if let Some(field) = FIELDS.named(name) {
            return Slot::Field(field);
        }
        if name == CUSTOM_ATTRIBUTES {
            return Slot::Own(Own::Attributes);
        }
        let attribute = fields::bare(FIELDS, name);
        if fields::is_attribute(attribute) {
            return Slot::Own(Own::Attribute(self.attribute(attribute)));
        }
        if is_of_report(name) {
            return Slot::Ignored;
        }
        if fields::is_set_by_service(FIELDS, name) {
            return self.service_slot(name, name);
        }
        let is_patch = self.policy.shape == RowShape::AssetPatch;
        let id_column = is_patch.then_some(self.policy.id_column.as_str());
        let near = fields::nearest(FIELDS, id_column, name);
        self.refuse_unknown(name, near)
    }

    /// Returns the slot of a column with a field that only the service sets. In a patch, such a column shows that
    /// the rows were read from the service.
    fn service_slot(&mut self, name: &str, meant: &str) -> Slot<Own> {
        let is_patch = self.policy.shape == RowShape::AssetPatch;
        if let Some(field) = fields::of_service(FIELDS, meant).filter(|_| is_patch) {
            return Slot::Own(Own::Service(field));
        }
        // Rows with ids are assets of the project. Without the column, they would be created again.
        let fix = if name == "id" {
            "pass only the rows of new assets, without this column; to change assets, use patch()"
        } else {
            ""
        };
        self.refuse_service(name, fix)
    }

    /// Records the use of a column that is not a field.
    pub(super) fn note_own(&mut self, slot: Own, name: &str, column: Column, note: &str) {
        match slot {
            Own::Attribute(attribute) => {
                let attribute = &mut self.kind.attributes[attribute];
                attribute.column.get_or_insert(column);
                let (field, known) = (attribute.name.clone(), attribute.known);
                let title = self.kind.names.as_ref().and_then(|names| {
                    let attribute = names.settings.content().attributes.get(known?)?;
                    Some(attribute.display_name.clone())
                });
                self.note_use(name, Some(field), note, title);
            }
            Own::Attributes => self.note_use(name, Some(CUSTOM_ATTRIBUTES.to_owned()), "", None),
            Own::Service(_) => self.note_use(name, None, OF_SERVICE, None),
        }
    }

    /// Returns what a column is mapped to in another spelling, unless it is recognized as it is.
    pub(super) fn mapped_alike(&self, name: &str) -> Option<&str> {
        let settings = &self.kind.names.as_ref()?.settings;
        let is_unknown = matches!(columns::meant(name, settings), Meant::Unknown(_));
        columns::mapped_alike(name, &self.policy.names.mapping).filter(|_| is_unknown)
    }

    /// Returns the index of a custom attribute, which is added if it is new.
    pub(super) fn attribute(&mut self, name: &str) -> usize {
        if let Some(index) = self.kind.attribute_indexes.get(name) {
            return *index;
        }
        let index = self.kind.attributes.len();
        let names = self.kind.names.as_ref();
        let known = names.and_then(|names| names.settings.attribute_of_name(name));
        self.kind.attributes.push(Attribute {
            name: name.to_owned(),
            known,
            column: None,
            opening: json::opening(name),
            last_given: 0,
        });
        self.kind.attribute_indexes.insert(name.to_owned(), index);
        index
    }

    /// Returns whether the rows involve any custom attribute.
    pub(in crate::rows) fn has_attributes(&self) -> bool {
        !self.kind.attributes.is_empty()
    }

    /// Returns the name of a custom attribute's column in the user's data, if there is such a column.
    pub(super) fn attribute_column(&self, attribute: usize) -> Option<String> {
        let column = self.kind.attributes[attribute].column?;
        Some(self.called(column).to_owned())
    }

    /// Returns the heading of the column that sets a custom attribute, or else its display name.
    pub(super) fn attribute_heading(&self, name: &str) -> Option<String> {
        let attribute = self.kind.attribute_indexes.get(name).copied();
        let column = attribute.and_then(|attribute| self.attribute_column(attribute));
        let entry = || {
            let mut entries = self.kind.entries.iter();
            entries.find(|entry| entry.attribute.is_some() && entry.attribute == attribute)
        };
        // No column has the attribute.
        let shown = || {
            let settings = self.kind.names.as_ref()?.settings.content();
            let attribute = settings.attributes.iter().find(|known| known.name == name)?;
            Some(attribute.display_name.clone())
        };
        column.or_else(|| Some(entry()?.name.clone())).or_else(shown)
    }
}
