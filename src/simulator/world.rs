//! The state of the simulated project.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::indexed::Indexed;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

/// Formats a time the way the services do.
#[must_use]
pub fn timestamp(millis: Millis) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| String::new(), |instant| format!("{instant:.3}"))
}

/// Who created, last changed and deleted a record, and when.
#[derive(Debug, Clone)]
pub struct Stamp {
    pub created_at: Millis,
    pub created_by: Arc<str>,
    pub updated_at: Millis,
    pub updated_by: Arc<str>,
    pub deleted: Option<(Millis, Arc<str>)>,
    pub version: u64,
}

impl Stamp {
    /// Creates the stamp of a record created now by this user.
    #[must_use]
    pub fn new(now: Millis, user: &Arc<str>, version: u64) -> Self {
        Self {
            created_at: now,
            created_by: Arc::clone(user),
            updated_at: now,
            updated_by: Arc::clone(user),
            deleted: None,
            version,
        }
    }

    /// Returns whether the record is not deleted.
    #[must_use]
    pub fn active(&self) -> bool {
        self.deleted.is_none()
    }

    /// Records a change made now by this user.
    pub fn change(&mut self, now: Millis, user: &Arc<str>, version: u64) {
        self.updated_at = now;
        self.updated_by = Arc::clone(user);
        self.version = version;
    }

    /// Records a deletion made now by this user.
    pub fn delete(&mut self, now: Millis, user: &Arc<str>, version: u64) {
        self.change(now, user, version);
        self.deleted = Some((now, Arc::clone(user)));
    }

    fn fields(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("createdAt".into(), timestamp(self.created_at).into());
        map.insert("createdBy".into(), self.created_by.as_ref().into());
        map.insert("updatedAt".into(), timestamp(self.updated_at).into());
        map.insert("updatedBy".into(), self.updated_by.as_ref().into());
        if let Some((at, by)) = &self.deleted {
            map.insert("deletedAt".into(), timestamp(*at).into());
            map.insert("deletedBy".into(), by.as_ref().into());
        }
        map.insert("isActive".into(), self.active().into());
        map
    }
}

fn merged(mut head: Value, stamp: &Stamp, project: Option<Uuid>) -> Value {
    if let Value::Object(map) = &mut head {
        map.append(&mut stamp.fields());
        if let Some(project) = project {
            map.insert("version".into(), stamp.version.into());
            map.insert("projectId".into(), project.to_string().into());
        }
    }
    head
}

/// A node in the category tree ("Assets field guide").
#[derive(Debug, Clone)]
pub struct Category {
    pub id: u64,
    pub uid: Uuid,
    pub name: String,
    pub description: Option<String>,
    pub parent: Option<u64>,
    /// The status set assigned to this category itself.
    pub status_set: Option<Assignment>,
    /// The custom attributes assigned to this category itself.
    pub attributes: Vec<Uuid>,
    pub stamp: Stamp,
}

/// The assignment of a status set to a category, which is a separate record ("PUT status-step-set" reference page).
#[derive(Debug, Clone)]
pub struct Assignment {
    pub id: Uuid,
    pub status_set: Uuid,
    pub stamp: Stamp,
}

/// A status in a status set.
#[derive(Debug, Clone)]
pub struct Status {
    pub id: Uuid,
    pub label: String,
    pub description: Option<String>,
    pub color: Option<String>,
    /// A slug that is unique in the project.
    pub bucket: String,
    pub stamp: Stamp,
}

/// A set of statuses. Each category has exactly one status set, either its own or an inherited one.
#[derive(Debug, Clone)]
pub struct StatusSet {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    pub is_default: bool,
    pub statuses: Vec<Status>,
    pub stamp: Stamp,
}

/// The six types of custom attributes ("POST custom-attributes" reference page).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    Text,
    Numeric,
    Date,
    Boolean,
    Select,
    MultiSelect,
}

impl DataType {
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Numeric,
        Self::Date,
        Self::Boolean,
        Self::Select,
        Self::MultiSelect,
    ];

    /// Returns whether values of this type are options from a list.
    #[must_use]
    pub fn has_choices(self) -> bool {
        matches!(self, Self::Select | Self::MultiSelect)
    }

    /// Returns the type with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Returns the name used in responses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Numeric => "numeric",
            Self::Date => "date",
            Self::Boolean => "boolean",
            Self::Select => "select",
            Self::MultiSelect => "multi_select",
        }
    }
}

/// An option of a select or multi-select attribute.
#[derive(Debug, Clone)]
pub struct Choice {
    pub id: Uuid,
    pub label: String,
    pub stamp: Stamp,
}

/// A custom attribute of the project, available in the categories it is assigned to and their subcategories.
#[derive(Debug, Clone)]
pub struct Attribute {
    pub id: Uuid,
    /// The generated name: `ca` and a number.
    pub name: String,
    pub display_name: String,
    pub description: Option<String>,
    pub data_type: DataType,
    pub required: bool,
    pub max_length: Option<usize>,
    /// The default value as an asset stores it, with ids for options.
    pub default: Option<Value>,
    pub choices: Vec<Choice>,
    pub stamp: Stamp,
}

/// A node in the location tree.
#[derive(Debug, Clone)]
pub struct Location {
    pub id: Uuid,
    pub parent: Option<Uuid>,
    pub name: String,
    pub barcode: Option<String>,
}

/// An asset. The custom attributes are stored as the JSON text of one object, which is compact and can be
/// sent unchanged.
#[derive(Debug, Clone)]
pub struct Asset {
    pub id: Uuid,
    pub client_asset_id: Box<str>,
    pub category: u64,
    pub status: Uuid,
    pub description: Option<Box<str>>,
    pub location: Option<Uuid>,
    pub barcode: Option<Box<str>>,
    pub attributes: Box<RawValue>,
    pub company: Option<Uuid>,
    pub stamp: Stamp,
}

impl Asset {
    /// Returns the custom attributes, parsed.
    #[must_use]
    pub fn attribute_map(&self) -> Map<String, Value> {
        serde_json::from_str(self.attributes.get()).unwrap_or_default()
    }
}

/// The content of an asset, without its id and stamp.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub client_asset_id: String,
    pub category: u64,
    pub status: Uuid,
    pub description: Option<String>,
    pub location: Option<Uuid>,
    pub barcode: Option<String>,
    pub attributes: Map<String, Value>,
}

impl From<&Asset> for Draft {
    fn from(asset: &Asset) -> Self {
        Self {
            client_asset_id: asset.client_asset_id.to_string(),
            category: asset.category,
            status: asset.status,
            description: asset.description.as_deref().map(Into::into),
            location: asset.location,
            barcode: asset.barcode.as_deref().map(Into::into),
            attributes: asset.attribute_map(),
        }
    }
}

/// One end of a relationship.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entity {
    pub domain: Arc<str>,
    pub kind: Arc<str>,
    pub id: Box<str>,
}

/// A link between two entities.
#[derive(Debug, Clone)]
pub struct Relationship {
    pub id: Uuid,
    pub entities: [Entity; 2],
    pub created_at: Millis,
    pub deleted_at: Option<Millis>,
    pub read_only: bool,
}

/// One project with everything in it.
#[derive(Debug)]
pub struct World {
    pub project: Uuid,
    /// The id of another project. No user of the simulator is a member of it.
    pub foreign_project: Uuid,
    /// The id of the project's container in the BIM 360 Locations API.
    pub locations_container: Uuid,
    pub company: Uuid,
    /// The region of the project, as spelled on the "Regions" page.
    pub region: String,
    /// The current simulated time, set by the simulator.
    pub now: Millis,
    pub random: fastrand::Rng,
    pub categories: BTreeMap<u64, Category>,
    pub status_sets: Indexed<StatusSet>,
    pub attributes: Indexed<Attribute>,
    pub locations: Indexed<Location>,
    assets: Vec<Asset>,
    asset_index: HashMap<Uuid, usize>,
    /// The number of active assets with each barcode, for the switch `barcode_unique`.
    barcodes: HashMap<Box<str>, u32>,
    active_assets: usize,
    pub relationships: Vec<Relationship>,
    relationship_index: HashMap<Uuid, usize>,
    pairs: HashMap<[Entity; 2], usize>,
    asset_version: u64,
    /// The version counter that all settings share ("Create settings" tutorial).
    settings_version: u64,
    buckets: HashSet<String>,
    service: Arc<str>,
}

/// The id of the root category.
pub const ROOT: u64 = 1;

/// The name of the default status set.
pub(super) const DEFAULT_STATUS_SET: &str = "Default";

/// The labels of the default status set ("Assets field guide").
const DEFAULT_STATUSES: [&str; 10] = [
    "Specified",
    "Ordered",
    "Delivered",
    "Installed",
    "Pre-Start-Up",
    "Start-Up",
    "Pre-Functional Performance Tests",
    "Functional Performance Tests",
    "Acceptance",
    "Post-Acceptance",
];

impl World {
    /// Creates a project that has only ROOT and the root location. To add the service's default status set,
    /// call `add_default_statuses`.
    #[must_use]
    pub(super) fn empty(seed: u64, now: Millis) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut id = || uuid::Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid();
        let (project, foreign_project, company, root_location) = (id(), id(), id(), id());
        let locations_container = id();
        let mut world = Self {
            project,
            foreign_project,
            locations_container,
            company,
            region: "US".into(),
            now,
            random,
            categories: BTreeMap::new(),
            status_sets: Indexed::default(),
            attributes: Indexed::default(),
            locations: Indexed::default(),
            assets: Vec::new(),
            asset_index: HashMap::new(),
            barcodes: HashMap::new(),
            active_assets: 0,
            relationships: Vec::new(),
            relationship_index: HashMap::new(),
            pairs: HashMap::new(),
            asset_version: 0,
            settings_version: 0,
            buckets: HashSet::new(),
            service: "assets-service".into(),
        };
        world.add_location(root_location, None, "Project");
        world.add_category(ROOT, "ROOT", None);
        world
    }

    /// Gives ROOT the default status set that a new project has.
    pub(super) fn add_default_statuses(&mut self) {
        let set = self.add_status_set(DEFAULT_STATUS_SET, true);
        for label in DEFAULT_STATUSES {
            let id = self.new_id();
            self.add_status(set, id, label);
        }
        self.assign_status_set(ROOT, set);
    }

    /// Creates a project with only ROOT, the default status set and the root location.
    #[must_use]
    pub fn bare(seed: u64, now: Millis) -> Self {
        let mut world = Self::empty(seed, now);
        world.add_default_statuses();
        world
    }

    /// Creates a realistic project. The same seed and time give the same project.
    ///
    /// `HVAC > Air Handling` has attributes of all six types. `Electrical` has its own status set. `Fire Protection`
    /// requires an attribute. `Legacy Equipment` is inactive. There are 3 buildings with 4 levels each, and 2 rooms per
    /// level.
    #[must_use]
    pub fn seeded(seed: u64, now: Millis) -> Self {
        let mut world = Self::bare(seed, now);
        let tree: [(&str, &[&str]); 5] = [
            ("HVAC", &["Air Handling", "Pumps", "Chillers", "Fans"]),
            ("Electrical", &["Lighting", "Switchgear", "Outlets"]),
            ("Plumbing", &["Valves", "Fixtures"]),
            ("Fire Protection", &["Sprinklers", "Dampers"]),
            ("Legacy Equipment", &[]),
        ];
        let mut id = ROOT;
        let mut named = HashMap::new();
        for (top, below) in tree {
            id += 1;
            let parent = id;
            world.add_category(parent, top, Some(ROOT));
            named.insert(top, parent);
            for name in below {
                id += 1;
                world.add_category(id, name, Some(parent));
                named.insert(*name, id);
            }
        }
        world.deactivate_category(named["Legacy Equipment"]);

        let set = world.add_status_set("Energisation", false);
        for label in ["Planned", "Installed", "Tested", "Energised"] {
            let id = world.new_id();
            world.add_status(set, id, label);
        }
        world.assign_status_set(named["Electrical"], set);

        let assignments: [(&str, &str, DataType, &[&str]); 10] = [
            ("HVAC", "Manufacturer", DataType::Text, &[]),
            ("Air Handling", "Airflow", DataType::Numeric, &[]),
            ("HVAC", "Installation Date", DataType::Date, &[]),
            ("HVAC", "Commissioned", DataType::Boolean, &[]),
            (
                "Air Handling",
                "Filter Class",
                DataType::Select,
                &["G4", "M5", "F7", "F9", "H13"],
            ),
            (
                "HVAC",
                "Functions",
                DataType::MultiSelect,
                &["Heating", "Cooling", "Humidifying", "Heat Recovery"],
            ),
            (
                "Electrical",
                "Voltage",
                DataType::Select,
                &["24 V", "110 V", "230 V", "400 V"],
            ),
            ("Pumps", "Head", DataType::Numeric, &[]),
            ("Fire Protection", "Inspection Class", DataType::Text, &[]),
            ("Lighting", "Emergency", DataType::Boolean, &[]),
        ];
        for (number, (category, display_name, data_type, labels)) in (1..).zip(assignments) {
            let attribute = world.new_id();
            let choices: Vec<(Uuid, &str)> = labels.iter().map(|label| (world.new_id(), *label)).collect();
            world.add_attribute(
                attribute,
                &format!("ca{number}"),
                display_name,
                data_type,
                &choices,
            );
            world.assign_attribute(named[category], attribute);
            match display_name {
                "Inspection Class" => world.edit_attribute(attribute, |attribute| attribute.required = true),
                "Voltage" => world.edit_attribute(attribute, |attribute| {
                    attribute.default = attribute.choices.get(2).map(|choice| json!(choice.id));
                }),
                _ => {}
            }
        }

        let root = world.locations[0].id;
        for building in ["A", "B", "C"] {
            let parent = world.new_id();
            world.add_location(parent, Some(root), &format!("Building {building}"));
            for level in 0..4 {
                let floor = world.new_id();
                world.add_location(floor, Some(parent), &format!("Level {level}"));
                for room in 1..=2 {
                    let id = world.new_id();
                    world.add_location(id, Some(floor), &format!("Room {building}{level}{room:02}"));
                    if let Some(location) = world.locations.by_id_mut(id) {
                        location.barcode = Some(format!("{building}{level}{room:02}"));
                    }
                }
            }
        }
        world
    }

    /// Generates a new id from the world's own random number generator.
    pub fn new_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random.u128(..).to_be_bytes()).into_uuid()
    }

    /// Returns the user name of the service itself.
    #[must_use]
    pub fn service(&self) -> Arc<str> {
        Arc::clone(&self.service)
    }

    /// Increments the version counter of the settings and returns its value.
    pub fn next_settings_version(&mut self) -> u64 {
        self.settings_version += 1;
        self.settings_version
    }

    /// Returns the stamp of a settings object created now by this user.
    pub fn settings_stamp(&mut self, user: &Arc<str>) -> Stamp {
        let version = self.next_settings_version();
        Stamp::new(self.now, user, version)
    }

    /// Returns the id for the next new category.
    #[must_use]
    pub fn next_category(&self) -> u64 {
        self.categories.keys().last().map_or(ROOT, |last| last + 1)
    }

    /// Returns the generated name for the next new custom attribute. Names are never reused.
    #[must_use]
    pub fn next_attribute_name(&self) -> String {
        let numbers = self.attributes.iter().filter_map(|attribute| {
            let number: u64 = attribute.name.strip_prefix("ca")?.parse().ok()?;
            Some(number)
        });
        format!("ca{}", numbers.max().unwrap_or(0).saturating_add(1))
    }

    /// Adds a category below a parent. If `parent` is `None`, the category is the root.
    pub fn add_category(&mut self, id: u64, name: &str, parent: Option<u64>) {
        let stamp = self.settings_stamp(&self.service());
        let category = Category {
            id,
            uid: self.new_id(),
            name: name.into(),
            description: parent
                .is_none()
                .then(|| "The root of all categories of this project.".into()),
            parent,
            status_set: None,
            attributes: Vec::new(),
            stamp,
        };
        self.categories.insert(id, category);
    }

    /// Makes a category inactive. The category's assets remain, but new assets are rejected.
    pub fn deactivate_category(&mut self, id: u64) {
        let (now, by) = (self.now, Arc::clone(&self.service));
        if let Some(category) = self.categories.get_mut(&id) {
            category.stamp.deleted = Some((now, by));
        }
    }

    /// Adds an empty status set and returns its id.
    pub fn add_status_set(&mut self, name: &str, is_default: bool) -> Uuid {
        let id = self.new_id();
        let stamp = self.settings_stamp(&self.service());
        self.status_sets.push(StatusSet {
            id,
            name: name.into(),
            description: None,
            is_default,
            statuses: Vec::new(),
            stamp,
        });
        id
    }

    /// Adds a status with the given id to a status set.
    pub fn add_status(&mut self, set: Uuid, id: Uuid, label: &str) {
        const COLORS: [&str; 5] = [
            "adsk-black",
            "adsk-blue-500",
            "adsk-green-500",
            "adsk-red-500",
            "adsk-purple-500",
        ];
        let stamp = self.settings_stamp(&self.service());
        let Some((is_default, count)) = self
            .status_sets
            .by_id(set)
            .map(|set| (set.is_default, set.statuses.len()))
        else {
            return;
        };
        let status = Status {
            id,
            label: label.into(),
            description: None,
            color: Some(COLORS[count % COLORS.len()].into()),
            bucket: self.bucket(label, is_default),
            stamp,
        };
        if let Some(set) = self.status_sets.by_id_mut(set) {
            set.statuses.push(status);
        }
    }

    /// Makes a status inactive.
    pub fn deactivate_status(&mut self, set: Uuid, id: Uuid) {
        let (now, by, version) = (self.now, self.service(), self.next_settings_version());
        let set = self.status_sets.by_id_mut(set);
        let status = set.and_then(|set| set.statuses.iter_mut().find(|status| status.id == id));
        if let Some(status) = status {
            status.stamp.delete(now, &by, version);
        }
    }

    /// Makes a status set inactive.
    pub fn deactivate_status_set(&mut self, id: Uuid) {
        let (now, by, version) = (self.now, self.service(), self.next_settings_version());
        if let Some(set) = self.status_sets.by_id_mut(id) {
            set.stamp.delete(now, &by, version);
        }
    }

    /// Returns a unique slug for a label. Outside the default set, or if the plain slug is taken, the slug
    /// includes the current time (examples on the "GET asset-statuses" reference page).
    pub fn bucket(&mut self, label: &str, plain: bool) -> String {
        let slug: String = label
            .to_lowercase()
            .chars()
            .map(|letter| if letter.is_alphanumeric() { letter } else { '-' })
            .collect();
        if plain && self.buckets.insert(slug.clone()) {
            return slug;
        }
        let mut time = self.now;
        loop {
            let bucket = format!("{slug}_{time}");
            if self.buckets.insert(bucket.clone()) {
                return bucket;
            }
            time = time.wrapping_add(1);
        }
    }

    /// Assigns a status set to a category, replacing the set assigned before.
    pub fn assign_status_set(&mut self, category: u64, set: Uuid) {
        self.assign_status_set_by(category, set, &self.service());
    }

    /// Assigns a status set to a category on behalf of a user.
    pub fn assign_status_set_by(&mut self, category: u64, status_set: Uuid, user: &Arc<str>) {
        let (id, stamp) = (self.new_id(), self.settings_stamp(user));
        let Some(category) = self.categories.get_mut(&category) else {
            return;
        };
        let own = &mut category.status_set;
        if let Some(assignment) = own {
            assignment.status_set = status_set;
            assignment.stamp.change(stamp.updated_at, user, stamp.version);
        } else {
            *own = Some(Assignment {
                id,
                status_set,
                stamp,
            });
        }
    }

    /// Adds a custom attribute with a given id and name (`caN`). Each option is a pair of an id and a label.
    pub fn add_attribute(
        &mut self,
        id: Uuid,
        name: &str,
        display_name: &str,
        data_type: DataType,
        choices: &[(Uuid, &str)],
    ) {
        let stamp = self.settings_stamp(&self.service());
        let choices = choices
            .iter()
            .map(|(id, label)| Choice {
                id: *id,
                label: (*label).into(),
                stamp: stamp.clone(),
            })
            .collect();
        self.attributes.push(Attribute {
            id,
            name: name.into(),
            display_name: display_name.into(),
            description: None,
            data_type,
            required: false,
            max_length: (data_type == DataType::Text).then_some(super::contract::ATTRIBUTE_TEXT_LENGTH),
            default: None,
            choices,
            stamp,
        });
    }

    /// Changes a custom attribute, for example to make it required.
    pub fn edit_attribute(&mut self, id: Uuid, edit: impl FnOnce(&mut Attribute)) {
        if let Some(attribute) = self.attributes.by_id_mut(id) {
            edit(attribute);
        }
    }

    /// Assigns a custom attribute to a category and its subcategories. Repeating the call has no effect.
    pub fn assign_attribute(&mut self, category: u64, attribute: Uuid) {
        if let Some(category) = self.categories.get_mut(&category)
            && !category.attributes.contains(&attribute)
        {
            category.attributes.push(attribute);
        }
    }

    /// Adds a location with a given id.
    pub fn add_location(&mut self, id: Uuid, parent: Option<Uuid>, name: &str) {
        self.locations.push(Location {
            id,
            parent,
            name: name.into(),
            barcode: None,
        });
    }

    /// Looks up a category by its exact id: `"042"` is not `"42"`.
    #[must_use]
    pub fn category(&self, id: &str) -> Option<&Category> {
        self.categories
            .get(&id.parse().ok()?)
            .filter(|category| category.id.to_string() == id)
    }

    /// Iterates over a category and its ancestors, starting with the category itself.
    pub fn path(&self, category: u64) -> impl Iterator<Item = &Category> {
        let mut next = self.categories.get(&category);
        // The bound prevents a cycle among edited categories from hanging the simulator.
        std::iter::from_fn(move || {
            let current = next?;
            next = current.parent.and_then(|parent| self.categories.get(&parent));
            Some(current)
        })
        .take(64)
    }

    /// Returns the status set of a category, own or inherited, and the id of the category that it is assigned
    /// to.
    #[must_use]
    pub fn effective_set(&self, category: u64) -> Option<(&StatusSet, u64)> {
        let (set, from) = self
            .path(category)
            .find_map(|node| Some((node.status_set.as_ref()?.status_set, node.id)))?;
        Some((self.status_sets.by_id(set)?, from))
    }

    /// Returns the active attributes of a category, own and inherited, each with the category that it is
    /// assigned to.
    #[must_use]
    pub fn effective_attributes(&self, category: u64) -> Vec<(&Attribute, u64)> {
        let mut found: Vec<(&Attribute, u64)> = Vec::new();
        let mut seen = HashSet::new();
        for node in self.path(category) {
            for id in &node.attributes {
                if seen.insert(*id)
                    && let Some(attribute) = self.attributes.by_id(*id)
                    && attribute.stamp.active()
                {
                    found.push((attribute, node.id));
                }
            }
        }
        found
    }

    /// Returns whether a location is the location `above` or is below it.
    #[must_use]
    pub fn location_within(&self, mut location: Uuid, above: Uuid) -> bool {
        loop {
            if location == above {
                return true;
            }
            match self.locations.by_id(location).and_then(|node| node.parent) {
                Some(parent) => location = parent,
                None => return false,
            }
        }
    }

    /// Returns all assets in order of creation, including deleted ones.
    #[must_use]
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// Returns the number of active assets.
    #[must_use]
    pub fn active_assets(&self) -> usize {
        self.active_assets
    }

    /// Returns a number that increases with every change to any asset.
    #[must_use]
    pub fn asset_version(&self) -> u64 {
        self.asset_version
    }

    /// Returns the index of an asset in `assets`.
    #[must_use]
    pub fn asset_position(&self, id: Uuid) -> Option<usize> {
        self.asset_index.get(&id).copied()
    }

    /// Returns the number of active assets with this barcode.
    #[must_use]
    pub fn barcode_count(&self, barcode: &str) -> u32 {
        self.barcodes.get(barcode).copied().unwrap_or(0)
    }

    /// Creates an asset with the given id or a new one, and returns its index.
    pub fn add_asset(
        &mut self,
        id: Option<Uuid>,
        draft: Draft,
        user: &Arc<str>,
        company: Option<Uuid>,
    ) -> usize {
        let id = id.unwrap_or_else(|| self.new_id());
        self.asset_version += 1;
        let stamp = Stamp::new(self.now, user, self.asset_version);
        let asset = filled(id, draft, company, stamp);
        if let Some(barcode) = &asset.barcode {
            *self.barcodes.entry(barcode.clone()).or_default() += 1;
        }
        self.active_assets += 1;
        self.asset_index.insert(id, self.assets.len());
        self.assets.push(asset);
        self.assets.len() - 1
    }

    /// Replaces the content of an asset with a draft.
    pub fn patch_asset(&mut self, position: usize, draft: Draft, user: &Arc<str>) {
        self.asset_version += 1;
        let old = &self.assets[position];
        let mut stamp = old.stamp.clone();
        stamp.change(self.now, user, self.asset_version);
        let new = filled(old.id, draft, old.company, stamp);
        if old.barcode != new.barcode && new.stamp.active() {
            if let Some(count) = old
                .barcode
                .as_ref()
                .and_then(|barcode| self.barcodes.get_mut(barcode))
            {
                *count = count.saturating_sub(1);
            }
            if let Some(barcode) = &new.barcode {
                *self.barcodes.entry(barcode.clone()).or_default() += 1;
            }
        }
        self.assets[position] = new;
    }

    /// Soft-deletes an asset. Returns `false` if the asset was already deleted.
    pub fn delete_asset(&mut self, position: usize, user: &Arc<str>) -> bool {
        let now = self.now;
        let asset = &mut self.assets[position];
        if !asset.stamp.active() {
            return false;
        }
        self.asset_version += 1;
        asset.stamp.delete(now, user, self.asset_version);
        self.active_assets -= 1;
        if let Some(count) = asset
            .barcode
            .as_ref()
            .and_then(|barcode| self.barcodes.get_mut(barcode))
        {
            *count = count.saturating_sub(1);
        }
        true
    }

    /// Creates a relationship and returns its index.
    pub fn add_relationship(&mut self, id: Uuid, entities: [Entity; 2], read_only: bool) -> usize {
        let place = self.relationships.len();
        self.pairs.insert(pair(&entities), place);
        self.relationship_index.insert(id, place);
        self.relationships.push(Relationship {
            id,
            entities,
            created_at: self.now,
            deleted_at: None,
            read_only,
        });
        place
    }

    /// Returns the index of a relationship in `relationships`.
    #[must_use]
    pub fn relationship_position(&self, id: Uuid) -> Option<usize> {
        self.relationship_index.get(&id).copied()
    }

    /// Returns the index of the newest relationship between two entities, in either order, even if the
    /// relationship is deleted.
    #[must_use]
    pub fn relationship_of(&self, entities: &[Entity; 2]) -> Option<usize> {
        self.pairs.get(&pair(entities)).copied()
    }

    /// Returns the ids of the active direct subcategories of each category, for `subcategoryIds`.
    #[must_use]
    pub fn subcategories(&self) -> HashMap<u64, Vec<String>> {
        let mut below: HashMap<u64, Vec<String>> = HashMap::new();
        for category in self
            .categories
            .values()
            .filter(|category| category.stamp.active())
        {
            if let Some(parent) = category.parent {
                below.entry(parent).or_default().push(category.id.to_string());
            }
        }
        below
    }

    /// Formats a category for a response. `below` is the return value of `subcategories`.
    #[must_use]
    pub fn category_json(&self, category: &Category, below: &HashMap<u64, Vec<String>>, uid: bool) -> Value {
        let children = below.get(&category.id).map_or(&[][..], Vec::as_slice);
        let mut head = json!({ "id": category.id.to_string(), "name": category.name });
        if let Some(description) = &category.description {
            head["description"] = json!(description);
        }
        if let Some(parent) = category.parent {
            head["parentId"] = json!(parent.to_string());
        }
        head["isRoot"] = json!(category.parent.is_none());
        head["isLeaf"] = json!(children.is_empty());
        head["subcategoryIds"] = json!(children);
        if uid {
            head["uid"] = json!(category.uid);
        }
        merged(head, &category.stamp, None)
    }

    /// Formats a status for a response.
    #[must_use]
    pub fn status_json(&self, set: &StatusSet, status: &Status) -> Value {
        let mut head = json!({ "id": status.id, "label": status.label });
        if let Some(description) = &status.description {
            head["description"] = json!(description);
        }
        if let Some(color) = &status.color {
            head["color"] = json!(color);
        }
        head["statusStepSetId"] = json!(set.id);
        head["bucket"] = json!(status.bucket);
        merged(head, &status.stamp, Some(self.project))
    }

    /// Formats a status set for a response.
    #[must_use]
    pub fn status_set_json(&self, set: &StatusSet) -> Value {
        let values: Vec<Value> = set
            .statuses
            .iter()
            .map(|status| self.status_json(set, status))
            .collect();
        let mut head = json!({ "id": set.id, "name": set.name });
        if let Some(description) = &set.description {
            head["description"] = json!(description);
        }
        head["isDefault"] = json!(set.is_default);
        head["values"] = json!(values);
        merged(head, &set.stamp, Some(self.project))
    }

    /// Formats the assignment of a status set for a response.
    #[must_use]
    pub fn assignment_json(&self, category: &Category) -> Option<Value> {
        let assignment = category.status_set.as_ref()?;
        let head = json!({ "id": assignment.id, "categoryId": category.id.to_string(),
            "statusStepSetId": assignment.status_set });
        Some(merged(head, &assignment.stamp, Some(self.project)))
    }

    /// Formats a custom attribute for a response. An option in the default is replaced by its label ("Create
    /// settings" tutorial).
    #[must_use]
    pub fn attribute_json(&self, attribute: &Attribute) -> Value {
        let mut head =
            json!({ "id": attribute.id, "name": attribute.name, "displayName": attribute.display_name });
        if let Some(description) = &attribute.description {
            head["description"] = json!(description);
        }
        head["dataType"] = json!(attribute.data_type.name());
        head["requiredOnIngress"] = json!(attribute.required);
        if let Some(length) = attribute.max_length {
            head["maxLengthOnIngress"] = json!(length);
        }
        if let Some(default) = &attribute.default {
            head["defaultValue"] = attribute.labelled(default);
        }
        if attribute.data_type.has_choices() {
            let labels: Vec<&str> = attribute
                .choices
                .iter()
                .filter(|choice| choice.stamp.active())
                .map(|choice| choice.label.as_str())
                .collect();
            head["enumValues"] = json!(labels);
            let values: Vec<Value> = attribute
                .choices
                .iter()
                .map(|choice| {
                    let head = json!({ "id": choice.id, "customAttributeId": attribute.id, "displayName": choice.label });
                    merged(head, &choice.stamp, Some(self.project))
                })
                .collect();
            head["values"] = json!(values);
        }
        merged(head, &attribute.stamp, Some(self.project))
    }

    /// Returns a catalog of the project as JSON, for tests and demos.
    #[must_use]
    pub fn catalogue(&self) -> Value {
        let categories: Vec<Value> = self
            .categories
            .values()
            .map(|category| {
                let mut names: Vec<&str> =
                    self.path(category.id).filter(|node| node.parent.is_some()).map(|node| node.name.as_str()).collect();
                names.reverse();
                let statuses: Vec<Value> = self.effective_set(category.id).map_or_else(Vec::new, |(set, _)| {
                    set.statuses
                        .iter()
                        .map(|status| {
                            json!({ "id": status.id, "label": status.label, "isActive": status.stamp.active() })
                        })
                        .collect()
                });
                let attributes: Vec<Value> = self
                    .effective_attributes(category.id)
                    .into_iter()
                    .map(|(attribute, _)| {
                        let values: Vec<Value> = attribute
                            .choices
                            .iter()
                            .map(|choice| {
                                json!({ "id": choice.id, "displayName": choice.label,
                                    "isActive": choice.stamp.active() })
                            })
                            .collect();
                        json!({ "name": attribute.name, "displayName": attribute.display_name,
                            "dataType": attribute.data_type.name(), "required": attribute.required, "values": values })
                    })
                    .collect();
                json!({ "id": category.id.to_string(), "name": category.name, "path": names.join(" > "),
                    "parentId": category.parent.map(|parent| parent.to_string()), "isActive": category.stamp.active(),
                    "statuses": statuses, "attributes": attributes })
            })
            .collect();
        let locations: Vec<Value> = self
            .locations
            .iter()
            .map(|node| json!({ "id": node.id, "parentId": node.parent, "name": node.name, "barcode": node.barcode }))
            .collect();
        json!({
            "project_id": self.project,
            "foreign_project_id": self.foreign_project,
            "locations_container_id": self.locations_container,
            "region": self.region,
            "categories": categories,
            "locations": locations,
            "counts": { "assets": self.assets.len(), "active_assets": self.active_assets,
                "relationships": self.relationships.len(), "categories": self.categories.len(),
                "locations": self.locations.len() },
        })
    }
}

impl Attribute {
    /// Returns an attribute value in which option ids are replaced by labels.
    #[must_use]
    pub fn labelled(&self, value: &Value) -> Value {
        self.mapped(value, &|text| {
            let choice = self.choices.iter().find(|choice| choice.id.to_string() == text)?;
            Some(choice.label.clone())
        })
    }

    /// Returns an attribute value in which the labels of active options are replaced by ids.
    #[must_use]
    pub fn carried(&self, value: &Value) -> Value {
        self.mapped(value, &|text| {
            let mut active = self.choices.iter().filter(|choice| choice.stamp.active());
            Some(active.find(|choice| choice.label == text)?.id.to_string())
        })
    }

    fn mapped(&self, value: &Value, map: &dyn Fn(&str) -> Option<String>) -> Value {
        match value {
            Value::Array(values) => values.iter().map(|value| self.mapped(value, map)).collect(),
            Value::String(text) if self.data_type.has_choices() => {
                map(text).map_or_else(|| value.clone(), Value::String)
            }
            other => other.clone(),
        }
    }
}

/// Sorts the two entities in a pair, so that their order does not matter.
fn pair(entities: &[Entity; 2]) -> [Entity; 2] {
    let mut pair = entities.clone();
    pair.sort();
    pair
}

fn filled(id: Uuid, draft: Draft, company: Option<Uuid>, stamp: Stamp) -> Asset {
    Asset {
        id,
        client_asset_id: draft.client_asset_id.into(),
        category: draft.category,
        status: draft.status,
        description: draft.description.map(Into::into),
        location: draft.location,
        barcode: draft.barcode.map(Into::into),
        // A map of JSON values always serializes, so the fallback is never used.
        attributes: serde_json::value::to_raw_value(&draft.attributes).unwrap_or_default(),
        company,
        stamp,
    }
}
