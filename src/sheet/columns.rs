//! What the columns of a sheet accept, according to the settings of a project.

use crate::api::assets::FIELDS;
use crate::api::assets::fields::LONGEST_ATTRIBUTE;
use crate::api::field::Refers;
use crate::model::settings::{Attribute, Status};
use crate::rows::columns::{attribute_heading, headings};
use crate::settings::{SEPARATOR, Settings};

/// A column of a sheet to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedColumn {
    pub name: String,
    pub required: bool,
    /// A sentence that explains what to fill in.
    pub note: String,
    pub kind: Kind,
}

/// The values allowed in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Text {
        longest: Option<usize>,
    },
    Number,
    Date,
    YesNo,
    /// A single value from this list.
    Choice(Vec<String>),
    /// Several of these values, separated by `;`. Excel's drop-downs allow only one value, so the column has
    /// none.
    Choices(Vec<String>),
    /// One of the locations.
    Location,
    /// One of these categories.
    Category(Vec<String>),
}

/// The values that a project offers for the columns of a sheet.
pub struct Offer<'s> {
    settings: &'s Settings,
    /// The category of all rows. If `None`, each row names its category.
    category: Option<usize>,
    /// The separator between the names in a path, such as ` > `.
    separator: String,
}

impl<'s> Offer<'s> {
    /// Creates the offer for the rows of a category and its subcategories, or of any category.
    #[must_use]
    pub fn new(settings: &'s Settings, category: Option<usize>, separator: &str) -> Self {
        Self {
            settings,
            category,
            separator: format!(" {} ", separator.trim()),
        }
    }

    /// Creates the offer for the rows of a category, given by its id or path, or of any category if there is no
    /// such category.
    #[must_use]
    pub fn of_path(settings: &'s Settings, category: Option<&str>, separator: &str) -> Self {
        let found = category.and_then(|path| settings.category(path, SEPARATOR, false).ok());
        Self::new(settings, found, separator)
    }

    /// Returns the path of the category of all rows, with its id if the path alone means another category too.
    #[must_use]
    pub fn category(&self) -> Option<String> {
        let category = self.category?;
        let path = self.path_of(category);
        let is_clear = self.settings.category(&path, SEPARATOR, false) == Ok(category);
        Some(if is_clear {
            path
        } else {
            self.settings.shown_category(category, SEPARATOR)
        })
    }

    /// Returns the columns of a template: the fields of an asset, and the custom attributes of the category.
    #[must_use]
    pub fn columns(&self) -> Vec<DescribedColumn> {
        let fields = headings().filter_map(|(field, heading)| self.column(field, heading));
        let attributes = self.category.into_iter().flat_map(|category| {
            let attributes = self.settings.attributes_of(category).ones();
            attributes.map(|index| {
                let attribute = &self.settings.content().attributes[index];
                // The display name alone may be that of a field.
                attribute_column(attribute, &attribute_heading(index, self.settings))
            })
        });
        fields.chain(attributes).collect()
    }

    /// Returns the custom attribute with this name or display name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let settings = self.settings;
        let index = settings.attribute_meant(name, false).ok()?;
        Some(settings.content().attributes[index].name.as_str())
    }

    /// Describes the column `name` for a field or custom attribute, or returns `None` if the project does not have it.
    #[must_use]
    pub fn column(&self, field: &str, name: &str) -> Option<DescribedColumn> {
        let Some(known) = FIELDS.named(field).map(|index| FIELDS.at(index)) else {
            let index = self.settings.attribute_of_name(field)?;
            return Some(attribute_column(&self.settings.content().attributes[index], name));
        };
        let mut required = known.required;
        let mut note = known.note.to_owned();
        let kind = match known.refers {
            Some(Refers::Category) => {
                if let Some(own) = self.category() {
                    (required, note) = (false, format!("Blank: {own}."));
                }
                Kind::Category(self.categories())
            }
            Some(Refers::Status) => Kind::Choice(self.statuses()),
            Some(Refers::Location) => Kind::Location,
            None => Kind::Text {
                longest: known.longest,
            },
        };
        Some(DescribedColumn {
            name: name.to_owned(),
            required,
            note,
            kind,
        })
    }

    /// Returns the path and barcode of each location.
    #[must_use]
    pub fn locations(&self) -> Vec<(String, String)> {
        let content = self.settings.content();
        self.settings
            .location_order()
            .iter()
            .filter_map(|index| Some((index, content.locations.as_ref()?.get(*index)?)))
            .map(|(index, location)| {
                let path = self.settings.location_path(*index).join(&self.separator);
                (path, location.barcode.clone().unwrap_or_default())
            })
            .collect()
    }

    fn path_of(&self, category: usize) -> String {
        self.settings.category_path(category).join(&self.separator)
    }

    /// Returns the active categories that rows may name.
    fn categories(&self) -> Vec<String> {
        let is_offered = |index: usize| match self.category {
            None => !self.settings.is_root(index),
            Some(own) => std::iter::successors(Some(index), |index| self.settings.category_above(*index))
                .any(|above| above == own),
        };
        self.settings
            .category_order()
            .iter()
            .filter(|index| self.settings.content().categories[**index].active && is_offered(**index))
            .map(|index| self.path_of(*index))
            .collect()
    }

    /// Returns the active statuses of the category, or of all status sets.
    fn statuses(&self) -> Vec<String> {
        let sets = &self.settings.content().status_sets;
        let labels = |statuses: &[Status]| -> Vec<String> {
            let active = statuses.iter().filter(|status| status.active);
            active.map(|status| status.label.clone()).collect()
        };
        let Some(category) = self.category else {
            let mut all: Vec<String> = Vec::new();
            for label in sets
                .iter()
                .filter(|set| set.active)
                .flat_map(|set| labels(&set.statuses))
            {
                if !all.contains(&label) {
                    all.push(label);
                }
            }
            return all;
        };
        let own = self.settings.set_of(category);
        own.map_or_else(Vec::new, |set| labels(&sets[set].statuses))
    }
}

fn attribute_column(attribute: &Attribute, name: &str) -> DescribedColumn {
    let offered: Vec<String> = attribute
        .choices
        .iter()
        .filter(|choice| choice.active)
        .map(|choice| choice.label.clone())
        .collect();
    let (kind, says) = match attribute.data_type.as_str() {
        "numeric" => (Kind::Number, "A number.".to_owned()),
        "date" => (Kind::Date, "A date, such as 2031-02-28.".to_owned()),
        "boolean" => (Kind::YesNo, "Yes or No.".to_owned()),
        "select" => (Kind::Choice(offered), "A value from the list.".to_owned()),
        "multi_select" => {
            let says = format!("One or more, separated by ;: {}.", offered.join("; "));
            (Kind::Choices(offered), says)
        }
        _ => {
            let longest = attribute.longest.unwrap_or(LONGEST_ATTRIBUTE);
            let says = format!("At most {longest} characters.");
            (
                Kind::Text {
                    longest: Some(longest),
                },
                says,
            )
        }
    };
    let described = attribute
        .description
        .as_ref()
        .map_or_else(String::new, |description| format!("{description} "));
    let blank = match &attribute.default {
        Some(serde_json::Value::String(text)) => format!(" Blank: {text}."),
        Some(other) => format!(" Blank: {other}."),
        None => String::new(),
    };
    DescribedColumn {
        name: name.to_owned(),
        required: attribute.required && attribute.default.is_none(),
        note: format!("{described}{says}{blank}"),
        kind,
    }
}
