//! New projects: with only a root, with the default statuses, or with generated settings.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::json;
use uuid::Uuid;

use super::indexed::Indexed;
use super::project::World;
use super::settings::{DataType, ROOT};
use super::stamp::Millis;

/// The name of the default status set.
pub(in crate::simulator) const DEFAULT_STATUS_SET: &str = "Default";

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
    pub(in crate::simulator) fn empty(seed: u64, now: Millis) -> Self {
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
    pub(in crate::simulator) fn add_default_statuses(&mut self) {
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
}
