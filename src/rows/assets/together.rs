//! Checks the values in a row against each other: the status and the custom attributes against the category
//! and, in a patch, against the current asset.

use uuid::Uuid;

use super::notices::Notice;
use super::resolve::GivenStatus;
use super::state::{Assets, CATEGORY, STATUS};
use crate::api::RowShape;
use crate::api::assets::FIELDS;
use crate::input::Cell;
use crate::model::text::trimmed;
use crate::rows::json;
use crate::rows::policy::KnownAsset;
use crate::rows::rules::{NOT_ASSIGNED, Problem, REQUIRED_ATTRIBUTE, Rule, STATUS as STATUS_RULE};
use crate::rows::writer::Writer;
use crate::settings::{LookupError, Settings};

impl Writer<Assets> {
    /// Checks the row as a whole. Writes the template's category if the row has none, and the status if it
    /// was given as a label.
    pub(super) fn end_names(&mut self, out: &mut Vec<u8>) {
        self.category_of_template(out);
        let Some(names) = &self.kind.names else { return };
        let settings = names.settings.clone();
        if names.location_is_unknown {
            self.kind.notices.add(Notice::UnknownLocation, self.rows - 1);
        }
        let asset = self.asset();
        let before = asset.as_ref().and_then(|asset| asset.category);
        let category = match (&self.kind.names, self.policy.shape) {
            (Some(names), _) if names.category_given => names.category,
            (_, RowShape::AssetPatch) => before,
            _ => None,
        };
        let is_moved = category.is_some() && category != before;
        self.status(category, is_moved, &settings, out);
        if category.is_none() && self.depends_on_category(&settings) {
            self.needs_asset();
        }
        if let Some(category) = category {
            self.attributes_fit(category, asset.as_ref(), &settings);
            if self.policy.shape == RowShape::NewAsset {
                self.new_asset(category, &settings);
            } else if before != Some(category) {
                self.moved_asset(category, asset.as_ref(), &settings);
            }
        }
        if self.policy.shape == RowShape::NewAsset && !self.key.is_empty() {
            let digest = xxhash_rust::xxh3::xxh3_64(self.key.as_bytes());
            self.kind.notices.name(digest, self.rows - 1);
        }
        self.required_and_cleared(&settings);
    }

    /// Returns whether a cell is the category of the template that the rows come from.
    pub(super) fn is_category_of_template(&self, cell: &Cell<'_>) -> bool {
        let category = self.policy.names.category.as_deref();
        matches!(cell, Cell::Text(text) if category == Some(trimmed(text)))
    }

    fn category_of_template(&mut self, out: &mut Vec<u8>) {
        if self.policy.shape != RowShape::NewAsset || self.is_given(CATEGORY) {
            return;
        }
        if let Some(category) = self.policy.names.category.clone() {
            self.field_cell(CATEGORY, None, &Cell::Text(&category), out);
        }
    }

    /// Returns the current asset that a patch changes, if it was read.
    fn asset(&self) -> Option<KnownAsset> {
        let assets = self.policy.names.assets.as_ref()?;
        assets.get(&Uuid::try_parse(&self.key).ok()?).cloned()
    }

    /// Records that a patch cannot be checked without its asset, unless assets were read.
    fn needs_asset(&mut self) {
        self.kind.needs_asset |=
            self.policy.names.assets.is_none() && self.policy.shape == RowShape::AssetPatch;
    }

    /// Returns whether the row has a status or an attribute that only some categories may have.
    fn depends_on_category(&self, settings: &Settings) -> bool {
        self.kind.names.as_ref().is_some_and(|names| {
            let status = names.status != GivenStatus::Absent && settings.has_several_sets();
            let mut attributes = names.given.union(&names.cleared);
            status || attributes.any(|attribute| !settings.everywhere().contains(attribute))
        })
    }

    fn status(&mut self, category: Option<usize>, is_moved: bool, settings: &Settings, out: &mut Vec<u8>) {
        let Some(names) = &mut self.kind.names else { return };
        if names.is_current_label && names.status == GivenStatus::Label && !is_moved {
            names.status = GivenStatus::Absent;
            return;
        }
        let (status, label) = (names.status, names.label.clone());
        let set = category.and_then(|category| settings.set_of(category));
        // The category's own set is shorter than all sets together, so its labels can be listed.
        if let (true, Some(own)) = (names.status_is_unknown, set)
            && let Err(error @ LookupError::NoneOf(_)) = names.status_in(own)
        {
            let mut problems = self.problems.iter_mut();
            if let Some(problem) = problems.find(|problem| problem.code == STATUS_RULE.code) {
                problem.fix = error.fix("status");
            }
        }
        let found = match (status, set) {
            (GivenStatus::Absent, _) | (GivenStatus::Known(..), None) => return,
            (GivenStatus::Known(set, _), Some(own)) if set == own => return,
            (GivenStatus::Known(other, place), Some(own)) => {
                let label = &settings.content().status_sets[other].statuses[place].label;
                let fix = match settings.status(own, label, false) {
                    Ok(_) => format!(
                        "use the label `{label}`, which both sets have, or the id of the \
                        status in the category's set"
                    ),
                    Err(_) => String::new(),
                };
                Err((
                    format!(
                        "the status `{label}` belongs to another set, `{}`",
                        settings.content().status_sets[other].name
                    ),
                    fix,
                ))
            }
            (GivenStatus::Label, Some(own)) => {
                let found = names.status_in(own).map(|place| (own, place));
                found.map_err(|error| {
                    let reason = match &error {
                        LookupError::Inactive(_) => error.reason("status"),
                        _ => format!(
                            "no such status in the set `{}`",
                            settings.content().status_sets[own].name
                        ),
                    };
                    (reason, self.fix_of_set(&error, &label))
                })
            }
            (GivenStatus::Label, None) if self.policy.shape == RowShape::NewAsset => {
                // A missing or invalid category has already been reported.
                if category.is_none() {
                    return;
                }
                Err(("the category has no status set".to_owned(), String::new()))
            }
            (GivenStatus::Label, None) => {
                let [one] = settings.statuses_called(&label)[..] else {
                    self.needs_asset();
                    return self.undecided(&label);
                };
                Ok(one)
            }
        };
        match found {
            Ok((set, place)) => {
                if let Some((_, labels)) = &mut self.kind.status_labels {
                    settings.content().status_sets[set].statuses[place]
                        .label
                        .clone_into(labels);
                }
                let start = out.len();
                out.extend_from_slice(b"\"statusId\":");
                let value = out.len();
                json::text(&settings.content().status_sets[set].statuses[place].id, out);
                if self.is_same(FIELDS.at(STATUS).name, &out[value..]) {
                    return out.truncate(start);
                }
                out.push(b',');
            }
            Err((reason, fix)) => {
                let shown = match status {
                    GivenStatus::Known(set, place) => {
                        settings.content().status_sets[set].statuses[place].id.clone()
                    }
                    _ => label,
                };
                let category = category.map_or_else(String::new, |category| {
                    format!(" (category `{}`)", settings.category_path(category).join(" > "))
                });
                let column = self.field_called(STATUS);
                let message = format!("`{column}` is '{shown}': {reason}{category}");
                self.problem(&STATUS_RULE, &column, &shown, message, &fix);
            }
        }
    }

    /// Returns the fix for a label that the status set of the category does not have. The same word may mean a
    /// different status in each set.
    fn fix_of_set(&self, error: &LookupError, label: &str) -> String {
        let fix = error.fix("status");
        let column = self.field_called(STATUS);
        if self.is_replaced(&column) {
            format!(
                "{fix}. If the word means a different status in each set, list all of them in values=, this one first: '{label}; ...'"
            )
        } else {
            fix
        }
    }

    fn undecided(&mut self, label: &str) {
        let column = self.field_called(STATUS);
        let message = format!(
            "`{column}` is '{label}': ambiguous, since several status sets have this label and the \
                category is unknown"
        );
        let fix = "fill in the category, or use the id of the status";
        self.problem(&STATUS_RULE, &column, label, message, fix);
    }

    /// Checks that the category has the row's attributes. An attribute that the row clears is not checked if
    /// the asset has a value for it. A blank cell of an attribute that the asset cannot have clears nothing.
    fn attributes_fit(&mut self, category: usize, asset: Option<&KnownAsset>, settings: &Settings) {
        let assigned = settings.attributes_of(category);
        if let (Some(asset), Some(names)) = (asset, &self.kind.names) {
            let is_possible = |place: &usize| assigned.contains(*place) || asset.attributes.contains(place);
            let blank: Vec<usize> = names.blank.ones().filter(|place| !is_possible(place)).collect();
            for place in blank {
                self.withdraw(place, settings);
            }
        }
        let Some(names) = &self.kind.names else { return };
        let has = |place: &usize| asset.is_some_and(|asset| asset.attributes.contains(place));
        let cleared = names.cleared.ones().filter(|place| !has(place));
        let both = names.given.ones().chain(cleared);
        let foreign: Vec<usize> = both.filter(|attribute| !assigned.contains(*attribute)).collect();
        if foreign.is_empty() {
            return;
        }
        let category = settings.category_path(category).join(" > ");
        for place in foreign {
            let attribute = &settings.content().attributes[place];
            let column = self.attribute_called(&attribute.name);
            let message =
                format!("`{column}` has a value, but the category `{category}` does not have this attribute");
            // A list of several trades has other categories with the same problem.
            self.problem(&NOT_ASSIGNED, &column, &category, message, "");
        }
    }

    fn new_asset(&mut self, category: usize, settings: &Settings) {
        let row = self.rows - 1;
        if settings.is_root(category) {
            self.kind.notices.add(Notice::RootCategory, row);
        } else if settings.is_inner(category) {
            self.kind.notices.add(Notice::InnerCategory(category), row);
        }
        for place in self.missing_attributes(category, settings) {
            if settings.content().attributes[place].default.is_some() {
                self.kind.notices.add(Notice::DefaultExpected(place), row);
            } else {
                self.required(place, category, settings);
            }
        }
    }

    /// Checks an asset against its new category, if a patch changes the category.
    fn moved_asset(&mut self, category: usize, asset: Option<&KnownAsset>, settings: &Settings) {
        let Some(asset) = asset else {
            self.needs_asset();
            return;
        };
        let row = self.rows - 1;
        let given_status = self
            .kind
            .names
            .as_ref()
            .is_some_and(|names| names.status != GivenStatus::Absent);
        if let (Some((set, place)), Some(own), false) =
            (asset.status, settings.set_of(category), given_status)
            && set != own
            && !self
                .problems
                .iter()
                .any(|problem| problem.code == STATUS_RULE.code)
        {
            let label = &settings.content().status_sets[set].statuses[place].label;
            let column = self.field_called(CATEGORY);
            let message = format!(
                "the asset has the status `{label}`, which is not in the set `{}` of its new category",
                settings.content().status_sets[own].name
            );
            let value = settings.category_path(category).join(" > ");
            self.problem(
                &STATUS_RULE,
                &column,
                &value,
                message,
                "fill in a status of the new category",
            );
        }
        for place in self.missing_attributes(category, settings) {
            if !asset.attributes.contains(&place) {
                self.required(place, category, settings);
            }
        }
        let assigned = settings.attributes_of(category);
        for place in &asset.attributes {
            let cleared = self
                .kind
                .names
                .as_ref()
                .is_some_and(|names| names.cleared.contains(*place));
            if !assigned.contains(*place) && !cleared {
                self.kind.notices.add(Notice::Outside(*place), row);
            }
        }
    }

    /// Finds attributes that the category requires and the row does not have.
    fn missing_attributes(&self, category: usize, settings: &Settings) -> Vec<usize> {
        let Some(names) = &self.kind.names else {
            return Vec::new();
        };
        settings
            .attributes_of(category)
            .intersection(settings.required())
            .filter(|place| !names.given.contains(*place))
            .collect()
    }

    fn required(&mut self, place: usize, category: usize, settings: &Settings) {
        let attribute = &settings.content().attributes[place];
        let known = self.attribute(&attribute.name);
        let path = settings.category_path(category).join(" > ");
        let (column, message, fix) = if let Some(column) = self.attribute_column(known) {
            let message = format!("`{column}` is blank, but the category `{path}` requires it");
            (column, message, "")
        } else {
            let name = attribute.display_name.clone();
            let message = format!("no column `{name}`, but the category `{path}` requires it");
            (name, message, "add the column and fill in the cell")
        };
        self.problem(&REQUIRED_ATTRIBUTE, &column, "", message, fix);
    }

    fn required_and_cleared(&mut self, settings: &Settings) {
        let Some(names) = &self.kind.names else { return };
        let row = self.rows - 1;
        for place in names.cleared.intersection(settings.required()) {
            self.kind.notices.add(Notice::RequiredCleared(place), row);
        }
    }

    /// Returns the name of a custom attribute's column in the user's data, or else the attribute's name.
    fn attribute_called(&mut self, name: &str) -> String {
        let known = self.attribute(name);
        self.attribute_column(known).unwrap_or_else(|| name.to_owned())
    }

    fn problem(&mut self, rule: &Rule, column: &str, value: &str, message: String, fix: &str) {
        let problem: Problem = rule.problem(column, value, message, fix);
        self.problems.push(problem);
    }
}
