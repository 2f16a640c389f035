//! Endpoints that write settings: categories, status sets, statuses and custom attributes.
//!
//! Each call writes one object. Nothing is changed until all checks pass.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::assets::{Listing, is_date};
use super::contract::{
    ATTRIBUTE_FIELDS, ATTRIBUTE_TEXT_LENGTH, CATEGORY_DEPTH, CATEGORY_FIELDS, Field, Kind, NAME_LENGTH,
    STATUS_FIELDS, STATUS_SET_FIELDS, STATUS_VALUE_FIELDS, Switch, Switches,
};
use super::handle::{Call, Refusal, State, Violation, answer, bad_field, refuse, refuse_all, uuid};
use super::settings::{category_attributes, category_of};
use super::world::{Attribute, Category, Choice, DataType, ROOT, Stamp, Status, StatusSet, World};
use crate::http::send::Response;

/// Handles a call to an Assets endpoint that writes settings.
pub fn call(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let answer = match call.endpoint.tag {
        "categories:create" => create_category(state, call),
        "categories/custom-attributes:assign" => assign_attribute(state, call),
        "categories/status-step-set:assign" => assign_status_set(state, call),
        "status-step-sets:create" => create_status_set(state, call),
        "asset-statuses:create" => create_status(state, call),
        "custom-attributes:create" => create_attribute(state, call),
        // The only remaining endpoint patches a custom attribute.
        _ => patch_attribute(state, call),
    }?;
    // Cached lists of assets may depend on the changed settings.
    state.listing = Listing::default();
    Ok(answer)
}

// ---- bodies ----

/// The valid fields in a body. Null clears a field.
struct Fields<'a>(HashMap<&'static str, &'a Value>);

impl<'a> Fields<'a> {
    /// Reads an object and adds its violations to `found`. `at` is the object's location in the body. If
    /// `whole` is set, the object must have all required fields.
    fn read(
        switches: &Switches,
        table: &'static [Field],
        object: &'a Value,
        at: &str,
        whole: bool,
        found: &mut Vec<Violation>,
    ) -> Self {
        let mut fields = HashMap::new();
        let Some(map) = object.as_object() else {
            let place = at.strip_suffix('.').unwrap_or("The body");
            let detail = format!("{place} must be an object, not {object}.");
            found.push(plain("MALFORMED_REQUEST", detail));
            return Self(fields);
        };
        for (name, value) in map {
            let place = format!("{at}{name}");
            let Some(field) = table.iter().find(|field| field.name == name) else {
                if switches.is(Switch::UnknownField, "400") {
                    let detail = format!("Unknown or read-only field {place:?}.");
                    found.push(Violation::field("UNKNOWN_FIELD", &place, detail));
                }
                continue;
            };
            // A published collection sends a default of null, which is accepted.
            if value.is_null() && !field.required && field.kind != Kind::Default {
                if switches.is(Switch::PatchNull, "reject") {
                    let detail = format!("Field {place:?} must be present or omitted, not null.");
                    found.push(Violation::field("INVALID_FIELD_VALUE", &place, detail));
                    continue;
                }
                if switches.is(Switch::PatchNull, "ignore") {
                    continue;
                }
            } else if let Err(what) = shaped(field, value) {
                let detail = format!("Field {place:?} must be {what}, not {value}.");
                found.push(Violation::field("INVALID_FIELD_VALUE", &place, detail));
                continue;
            }
            let length = value.as_str().map_or(0, |text| text.chars().count());
            match field.max_length {
                Some(most) if length > most => found.push(Violation::too_long(&place, most)),
                _ => {
                    fields.insert(field.name, value);
                }
            }
        }
        let missing = table
            .iter()
            .filter(|field| whole && field.required && !map.contains_key(field.name));
        for field in missing {
            let place = format!("{at}{}", field.name);
            let detail = format!("Field {place:?} is required.");
            found.push(Violation::field("REQUIRED_FIELD_MISSING", &place, detail));
        }
        Self(fields)
    }

    /// Returns the value of a field. `None` if the field is missing or null.
    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).copied().filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name).and_then(Value::as_str)
    }

    /// Returns the string in a required field. `read` has checked that the field is present.
    fn required_text(&self, name: &str) -> &'a str {
        self.text(name).unwrap_or_default()
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    fn list(&self, name: &str) -> &'a [Value] {
        self.value(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// Returns whether a field is present, even as null.
    fn given(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// Checks the type of a value. On an error, returns a description of the expected type.
fn shaped(field: &Field, value: &Value) -> Result<(), &'static str> {
    let text = value.as_str();
    let (fits, what) = match field.kind {
        Kind::Text if field.required => (text.is_some_and(|text| !text.is_empty()), "a non-empty string"),
        Kind::Text => (text.is_some(), "a text"),
        Kind::IntegerText => {
            // Accept an id only in its canonical form: "042" is not "42".
            let exact = |text: &str| text.parse::<u64>().is_ok_and(|id| id.to_string() == text);
            (text.is_some_and(exact), "a string with a whole number")
        }
        Kind::Uuid => (text.is_some_and(|text| uuid(text).is_some()), "a UUID"),
        Kind::Attributes => (value.is_object(), "an object"),
        Kind::Flag => (value.is_boolean(), "true or false"),
        Kind::Length => (length(value).is_some(), "a whole number from 1 to 250"),
        Kind::Labels => {
            let label = |label: &Value| label.as_str().is_some_and(|label| !label.is_empty());
            let labels = value.as_array().is_some_and(|labels| labels.iter().all(label));
            (labels, "an array of non-empty strings")
        }
        Kind::Statuses => (value.is_array(), "an array of statuses"),
        Kind::DataType => (
            text.and_then(DataType::named).is_some(),
            "text, numeric, date, boolean, select or multi_select",
        ),
        // The default is checked once the type of the attribute is known.
        Kind::Default => (true, ""),
    };
    fits.then_some(()).ok_or(what)
}

fn length(value: &Value) -> Option<usize> {
    value
        .as_u64()
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| (1..=ATTRIBUTE_TEXT_LENGTH).contains(length))
}

fn plain(code: &'static str, detail: String) -> Violation {
    Violation {
        code,
        detail,
        metadata: Map::new(),
    }
}

// ---- names that are taken ----

fn taken_status(switches: &Switches) -> u16 {
    if switches.is(Switch::DuplicateStatus, "409") {
        409
    } else {
        400
    }
}

fn same_label(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Returns a name similar to `name` that is not taken and not too long.
fn another_name(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = |number: u64| {
        let ending = format!(" ({number})");
        let kept: String = name.chars().take(NAME_LENGTH - ending.len()).collect();
        kept + &ending
    };
    let mut number = 1;
    while taken(&numbered(number)) {
        number += 1;
    }
    numbered(number)
}

/// Rejects a name that is in use. If `entity` is given, the metadata contains it as the entity that uses the
/// name.
fn conflict(
    switches: &Switches,
    code: &'static str,
    name: &str,
    entity: Option<Value>,
) -> Result<(), Refusal> {
    let mut violation = plain(code, format!("The name {name:?} is taken."));
    if let Some(entity) = entity {
        violation
            .metadata
            .insert("conflictingEntities".into(), json!([entity]));
    }
    refuse_all(taken_status(switches), vec![violation])
}

// ---- categories ----

fn create_category(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let uid = call.query.flag("includeUid")?;
    let mut found = Vec::new();
    let fields = Fields::read(switches, CATEGORY_FIELDS, &call.body, "", true, &mut found);
    refuse_all(400, found)?;
    let (name, parent_id) = (fields.required_text("name"), fields.required_text("parentId"));
    let parent = world.category(parent_id).ok_or_else(|| {
        let detail = format!("There is no category {parent_id:?}.");
        bad_field("CATEGORY_NOT_FOUND", "parentId", detail)
    })?;
    if !parent.stamp.active() {
        let detail = format!("Category {:?} is inactive.", parent.name);
        return Err(bad_field("CATEGORY_INACTIVE", "parentId", detail));
    }
    // The length of the parent's path is the number of levels above the new category.
    if world.path(parent.id).count() > CATEGORY_DEPTH {
        let detail = format!("Categories have at most {CATEGORY_DEPTH} levels below ROOT.");
        return Err(bad_field("CATEGORY_TOO_DEEP", "parentId", detail));
    }
    let parent = parent.id;
    let mut siblings = world
        .categories
        .values()
        .filter(|other| other.parent == Some(parent));
    if siblings.any(|other| other.name == name) {
        conflict(switches, "DUPLICATE_CATEGORY_NAME", name, None)?;
    }
    let id = world.next_category();
    let category = Category {
        id,
        uid: world.new_id(),
        name: name.to_owned(),
        description: fields.owned("description"),
        parent: Some(parent),
        status_set: None,
        attributes: Vec::new(),
        stamp: world.settings_stamp(&call.user.id),
    };
    let printed = world.category_json(&category, &HashMap::new(), uid);
    world.categories.insert(id, category);
    Ok(answer(201, &printed))
}

/// Returns the active attribute whose id is the last segment of the request path.
fn attribute_of<'a>(world: &'a World, call: &Call) -> Result<&'a Attribute, Refusal> {
    let id = call.ids.last().map_or("", String::as_str);
    uuid(id)
        .and_then(|id| world.attributes.by_id(id))
        .filter(|attribute| attribute.stamp.active())
        .ok_or_else(|| refuse(404, "NOT_FOUND", format!("There is no custom attribute {id:?}.")))
}

/// Assigns an attribute to a category. The response lists all attributes assigned to the category, and not
/// only the new one ("Create settings" tutorial).
fn assign_attribute(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    call.query.flag("includeInherited")?;
    let category = category_of(&state.world, call)?.id;
    let attribute = attribute_of(&state.world, call)?.id;
    state.world.assign_attribute(category, attribute);
    let category = category_of(&state.world, call)?;
    category_attributes(&state.world, &state.switches, category, call)
}

/// Assigns a status set to a category. A category has exactly one set, so the new set replaces the explicit
/// or inherited one ("PUT status-step-set" reference page).
fn assign_status_set(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let category = category_of(world, call)?.id;
    let id = call.ids.last().map_or("", String::as_str);
    let new = uuid(id)
        .and_then(|id| world.status_sets.by_id(id))
        .filter(|set| set.stamp.active())
        .ok_or_else(|| refuse(404, "NOT_FOUND", format!("There is no status set {id:?}.")))?
        .id;
    let old = world.effective_set(category).map(|(set, _)| set);
    if let Some(old) = old.filter(|old| old.id != new) {
        if category == ROOT {
            // The status set of ROOT cannot be removed or replaced ("Assets field guide").
            let detail = "The status set of ROOT cannot be replaced.";
            return Err(refuse(409, "DEFAULT_STATUS_SET_FIXED", detail));
        }
        if switches.is(Switch::SetInUse, "409") && in_use(world, category, old) {
            let detail = format!("Assets of the category have statuses of the set {:?}.", old.name);
            return Err(refuse(409, "STATUS_SET_IN_USE", detail));
        }
    }
    world.assign_status_set_by(category, new, &call.user.id);
    let category = category_of(world, call)?;
    Ok(answer(200, &world.assignment_json(category)))
}

/// Returns whether active assets in a category, or in a subcategory that inherits its status set, have a
/// status from `set`.
fn in_use(world: &World, category: u64, set: &StatusSet) -> bool {
    let inherits = |id: u64| {
        let mut path = world.path(id);
        path.find(|node| node.id == category || node.status_set.is_some())
            .is_some_and(|node| node.id == category)
    };
    let concerned: HashSet<u64> = world
        .categories
        .keys()
        .copied()
        .filter(|id| inherits(*id))
        .collect();
    let statuses: HashSet<Uuid> = set.statuses.iter().map(|status| status.id).collect();
    world.assets().iter().any(|asset| {
        asset.stamp.active() && concerned.contains(&asset.category) && statuses.contains(&asset.status)
    })
}

// ---- statuses ----

fn create_status_set(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let rename = call.query.flag("renameConflicting")?;
    let mut found = Vec::new();
    let fields = Fields::read(switches, STATUS_SET_FIELDS, &call.body, "", true, &mut found);
    let mut labels = HashSet::new();
    let mut statuses = Vec::new();
    for (index, value) in fields.list("values").iter().enumerate() {
        let at = format!("values[{index}].");
        let status = Fields::read(switches, STATUS_VALUE_FIELDS, value, &at, true, &mut found);
        if let Some(label) = status.text("label")
            && !labels.insert(label.to_lowercase())
        {
            let detail = format!("Duplicate label {label:?}.");
            found.push(Violation::field(
                "DUPLICATE_STATUS_LABEL",
                &format!("{at}label"),
                detail,
            ));
        }
        statuses.push(status);
    }
    refuse_all(400, found)?;
    let (name, user) = (fields.required_text("name"), &call.user.id);
    if let Some(other) = world.status_sets.iter().find(|set| set.name == name) {
        if other.stamp.active() || !rename {
            let entity = world.status_set_json(other);
            conflict(switches, "DUPLICATE_STATUS_SET_NAME", name, Some(entity))?;
        }
        let id = other.id;
        let free = another_name(name, |name| world.status_sets.iter().any(|set| set.name == name));
        let (now, version) = (world.now, world.next_settings_version());
        if let Some(set) = world.status_sets.by_id_mut(id) {
            set.name = free;
            set.stamp.change(now, user, version);
        }
    }
    let id = world.new_id();
    let stamp = world.settings_stamp(user);
    let statuses = statuses
        .iter()
        .map(|fields| new_status(world, fields, user))
        .collect();
    let set = StatusSet {
        id,
        name: name.to_owned(),
        description: fields.owned("description"),
        is_default: false,
        statuses,
        stamp,
    };
    let printed = world.status_set_json(&set);
    world.status_sets.push(set);
    Ok(answer(201, &printed))
}

fn new_status(world: &mut World, fields: &Fields<'_>, user: &Arc<str>) -> Status {
    let label = fields.required_text("label");
    Status {
        id: world.new_id(),
        label: label.to_owned(),
        description: fields.owned("description"),
        color: fields.owned("color"),
        bucket: world.bucket(label, false),
        stamp: world.settings_stamp(user),
    }
}

fn create_status(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let mut found = Vec::new();
    let fields = Fields::read(switches, STATUS_FIELDS, &call.body, "", true, &mut found);
    refuse_all(400, found)?;
    let (label, id) = (
        fields.required_text("label"),
        fields.required_text("statusStepSetId"),
    );
    let set = uuid(id)
        .and_then(|id| world.status_sets.by_id(id))
        .filter(|set| set.stamp.active())
        .ok_or_else(|| {
            let detail = format!("There is no status set {id:?}.");
            bad_field("STATUS_SET_NOT_FOUND", "statusStepSetId", detail)
        })?;
    let set_id = set.id;
    if set.statuses.iter().any(|status| same_label(&status.label, label)) {
        let detail = format!("The set {:?} has a status {label:?}.", set.name);
        let violation = Violation::field("DUPLICATE_STATUS_LABEL", "label", detail);
        refuse_all(taken_status(switches), vec![violation])?;
    }
    let status = new_status(world, &fields, &call.user.id);
    let printed = world
        .status_sets
        .by_id(set_id)
        .map(|set| world.status_json(set, &status));
    if let Some(set) = world.status_sets.by_id_mut(set_id) {
        set.statuses.push(status);
    }
    Ok(answer(201, &printed))
}

// ---- custom attributes ----

/// The new values of a custom attribute. Options, including those in the default, are given by label.
struct Plan {
    display_name: String,
    description: Option<String>,
    data_type: DataType,
    required: bool,
    max_length: Option<usize>,
    default: Option<Value>,
    /// `None` if the options do not change.
    labels: Option<Vec<String>>,
}

impl Plan {
    fn read(
        switches: &Switches,
        fields: &Fields<'_>,
        old: Option<&Attribute>,
        found: &mut Vec<Violation>,
    ) -> Self {
        let data_type = fields
            .text("dataType")
            .and_then(DataType::named)
            .or(old.map(|old| old.data_type))
            .unwrap_or(DataType::Text);
        let labels = labels(switches, fields, data_type, old, found);
        let max_length = max_length(fields, data_type, old, found);
        let known: Vec<&str> = match (&labels, old) {
            (Some(labels), _) => labels.iter().map(String::as_str).collect(),
            (None, Some(old)) => active_labels(old),
            (None, None) => Vec::new(),
        };
        let fits = |value: &Value| default_fits(data_type, &known, max_length, value);
        let default = match fields.value("defaultValue") {
            Some(value) => {
                if let Err(what) = fits(value) {
                    let detail = format!("A default of type {} is {what}, not {value}.", data_type.name());
                    found.push(Violation::field("INVALID_FIELD_VALUE", "defaultValue", detail));
                }
                Some(value.clone())
            }
            None if fields.given("defaultValue") => None,
            // A default that is no longer valid is removed.
            None => old
                .and_then(|old| Some(old.labelled(old.default.as_ref()?)))
                .filter(|value| fits(value).is_ok()),
        };
        let description = if fields.given("description") {
            fields.owned("description")
        } else {
            old.and_then(|old| old.description.clone())
        };
        Self {
            display_name: fields
                .owned("displayName")
                .or(old.map(|old| old.display_name.clone()))
                .unwrap_or_default(),
            description,
            data_type,
            required: fields
                .value("requiredOnIngress")
                .and_then(Value::as_bool)
                .or(old.map(|old| old.required))
                .unwrap_or(false),
            max_length,
            default,
            labels,
        }
    }

    fn apply(self, world: &mut World, attribute: &mut Attribute, user: &Arc<str>, version: u64) {
        attribute.display_name = self.display_name;
        attribute.description = self.description;
        attribute.data_type = self.data_type;
        attribute.required = self.required;
        attribute.max_length = self.max_length;
        if !self.data_type.has_choices() {
            attribute.choices.clear();
        } else if let Some(labels) = self.labels {
            relabel(world, attribute, labels, user, version);
        }
        attribute.default = self.default.map(|default| attribute.carried(&default));
    }
}

fn active_labels(attribute: &Attribute) -> Vec<&str> {
    attribute
        .choices
        .iter()
        .filter(|choice| choice.stamp.active())
        .map(|choice| choice.label.as_str())
        .collect()
}

/// Returns the labels of the new options, or `None` if the request sets no options. Select and multi-select
/// attributes must have options. Other attributes must not.
fn labels(
    switches: &Switches,
    fields: &Fields<'_>,
    data_type: DataType,
    old: Option<&Attribute>,
    found: &mut Vec<Violation>,
) -> Option<Vec<String>> {
    let name = "enumValues";
    let wrong = |detail: String| Violation::field("INVALID_FIELD_VALUE", name, detail);
    let given = fields.value(name).is_some();
    if !data_type.has_choices() {
        if given {
            let detail = format!("An attribute of type {} has no values.", data_type.name());
            found.push(wrong(detail));
        }
        return None;
    }
    let had_choices = old.filter(|old| old.data_type.has_choices());
    if !given {
        if had_choices.is_none() || fields.given(name) {
            let detail = format!("Field {name:?} is required for {}.", data_type.name());
            found.push(Violation::field("REQUIRED_FIELD_MISSING", name, detail));
        }
        return None;
    }
    let labels: Vec<String> = fields
        .list(name)
        .iter()
        .filter_map(|label| Some(label.as_str()?.to_owned()))
        .collect();
    if labels.is_empty() {
        found.push(wrong(format!("Field {name:?} must have at least one value.")));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = labels.iter().find(|label| !seen.insert(label.to_lowercase())) {
        found.push(wrong(format!("Duplicate value {twice:?}.")));
    }
    if switches.is(Switch::EnumRemoval, "400")
        && let Some(old) = had_choices
        && let Some(gone) = active_labels(old)
            .into_iter()
            .find(|label| !seen.contains(&label.to_lowercase()))
    {
        let detail = format!("The value {gone:?} cannot be removed.");
        found.push(Violation::field("ENUM_VALUE_REMOVED", name, detail));
    }
    Some(labels)
}

fn max_length(
    fields: &Fields<'_>,
    data_type: DataType,
    old: Option<&Attribute>,
    found: &mut Vec<Violation>,
) -> Option<usize> {
    let name = "maxLengthOnIngress";
    let given = fields.value(name);
    if data_type != DataType::Text {
        if given.is_some() {
            let detail = format!("An attribute of type {} has no length.", data_type.name());
            found.push(Violation::field("INVALID_FIELD_VALUE", name, detail));
        }
        return None;
    }
    let kept = old.filter(|_| !fields.given(name)).and_then(|old| old.max_length);
    given.and_then(length).or(kept).or(Some(ATTRIBUTE_TEXT_LENGTH))
}

/// Checks a default. On an error, returns a description of the expected value. A default names options by
/// label, whereas an asset contains their ids ("Create settings" tutorial).
pub fn default_fits(
    data_type: DataType,
    labels: &[&str],
    max_length: Option<usize>,
    value: &Value,
) -> Result<(), &'static str> {
    let text = value.as_str();
    let label = |value: &Value| value.as_str().is_some_and(|label| labels.contains(&label));
    let (fits, what) = match data_type {
        DataType::Text => {
            let most = max_length.unwrap_or(ATTRIBUTE_TEXT_LENGTH);
            let short = text.is_some_and(|text| text.chars().count() <= most);
            (short, "a string not longer than the attribute allows")
        }
        DataType::Date => (text.is_some_and(is_date), "a date YYYY-MM-DD"),
        DataType::Boolean => (value.is_boolean(), "true or false"),
        DataType::Numeric => (value.is_number(), "a number"),
        DataType::Select => (label(value), "the label of one of its values"),
        DataType::MultiSelect => {
            let labels = value.as_array().is_some_and(|values| values.iter().all(label));
            (labels, "an array of labels of its values")
        }
    };
    fits.then_some(()).ok_or(what)
}

/// Sets the options of an attribute. An existing option keeps its id, even if the case of its label changes.
/// An omitted option is deactivated rather than removed, since assets may still use it.
fn relabel(world: &mut World, attribute: &mut Attribute, labels: Vec<String>, user: &Arc<str>, version: u64) {
    let now = world.now;
    let mut left: Vec<Option<Choice>> = std::mem::take(&mut attribute.choices)
        .into_iter()
        .map(Some)
        .collect();
    let places: HashMap<String, usize> = left
        .iter()
        .enumerate()
        .filter_map(|(place, choice)| Some((choice.as_ref()?.label.to_lowercase(), place)))
        .collect();
    for label in labels {
        let known = places
            .get(&label.to_lowercase())
            .and_then(|place| left[*place].take());
        let choice = match known {
            Some(mut choice) => {
                if choice.label != label || !choice.stamp.active() {
                    choice.stamp.change(now, user, version);
                    choice.stamp.deleted = None;
                }
                choice.label = label;
                choice
            }
            None => Choice {
                id: world.new_id(),
                label,
                stamp: Stamp::new(now, user, version),
            },
        };
        attribute.choices.push(choice);
    }
    for mut choice in left.into_iter().flatten() {
        if choice.stamp.active() {
            choice.stamp.delete(now, user, version);
        }
        attribute.choices.push(choice);
    }
}

/// Rejects a display name used by another attribute, even an inactive one. If `rename` is set, an inactive
/// attribute is renamed instead.
fn make_room(
    world: &mut World,
    switches: &Switches,
    name: &str,
    own: Option<Uuid>,
    rename: bool,
    user: &Arc<str>,
) -> Result<(), Refusal> {
    let Some(other) = world
        .attributes
        .iter()
        .find(|other| other.display_name == name && Some(other.id) != own)
    else {
        return Ok(());
    };
    if other.stamp.active() || !rename {
        let entity = world.attribute_json(other);
        return conflict(switches, "DUPLICATE_CUSTOM_ATTRIBUTE_NAME", name, Some(entity));
    }
    let id = other.id;
    let taken = |name: &str| world.attributes.iter().any(|known| known.display_name == name);
    let free = another_name(name, taken);
    let (now, version) = (world.now, world.next_settings_version());
    world.edit_attribute(id, |attribute| {
        attribute.display_name = free;
        attribute.stamp.change(now, user, version);
    });
    Ok(())
}

/// Creates an attribute without assigning it. The attribute can be used once it is assigned to a category ("Assets
/// field guide").
fn create_attribute(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let rename = call.query.flag("renameConflicting")?;
    let mut found = Vec::new();
    let fields = Fields::read(switches, ATTRIBUTE_FIELDS, &call.body, "", true, &mut found);
    // The remaining checks require fields that are present and valid.
    refuse_all(400, found)?;
    let mut found = Vec::new();
    let plan = Plan::read(switches, &fields, None, &mut found);
    refuse_all(400, found)?;
    let user = &call.user.id;
    make_room(world, switches, &plan.display_name, None, rename, user)?;
    let stamp = world.settings_stamp(user);
    let version = stamp.version;
    let mut attribute = Attribute {
        id: world.new_id(),
        name: world.next_attribute_name(),
        display_name: String::new(),
        description: None,
        data_type: plan.data_type,
        required: false,
        max_length: None,
        default: None,
        choices: Vec::new(),
        stamp,
    };
    plan.apply(world, &mut attribute, user, version);
    let printed = world.attribute_json(&attribute);
    world.attributes.push(attribute);
    Ok(answer(201, &printed))
}

fn patch_attribute(state: &mut State, call: &Call) -> Result<Response, Refusal> {
    let (world, switches) = (&mut state.world, &state.switches);
    let old = attribute_of(world, call)?.clone();
    let mut found = Vec::new();
    let fields = Fields::read(switches, ATTRIBUTE_FIELDS, &call.body, "", false, &mut found);
    refuse_all(400, found)?;
    let mut found = Vec::new();
    let plan = Plan::read(switches, &fields, Some(&old), &mut found);
    let carried = || {
        let mut assets = world.assets().iter();
        assets.any(|asset| asset.attribute_map().contains_key(&old.name))
    };
    if plan.data_type != old.data_type && carried() {
        let detail = format!("Assets use {:?}, so its type cannot change.", old.name);
        found.push(Violation::field("CUSTOM_ATTRIBUTE_IN_USE", "dataType", detail));
    }
    refuse_all(400, found)?;
    let user = &call.user.id;
    make_room(world, switches, &plan.display_name, Some(old.id), false, user)?;
    let (id, mut next) = (old.id, old);
    let (now, version) = (world.now, world.next_settings_version());
    next.stamp.change(now, user, version);
    plan.apply(world, &mut next, user, version);
    let printed = world.attribute_json(&next);
    world.edit_attribute(id, |attribute| *attribute = next);
    Ok(answer(200, &printed))
}
