//! Project setup: descriptions, plans, and carrying out plans despite faults.

use std::collections::HashMap;

use acc_assets::call::Session;
use acc_assets::http::{Phase, Stop};
use acc_assets::ids::ProjectId;
use acc_assets::reads::settings::Reader;
use acc_assets::run::setup::{Status, StepOutcome, Writer};
use acc_assets::settings::Settings;
use acc_assets::settings::setup::{Action, Description, Kind, Plan, plan};
use acc_assets::simulator::{GroupLimits, Options};
use serde_json::{Value, json};

use crate::bench::{Bench, Way, client, fault};

/// A project with only ROOT and its default set, and high rate limits.
fn empty() -> Options {
    Options {
        limits: GroupLimits {
            assets_read: 100_000,
            assets_write: 100_000,
            ..GroupLimits::default()
        },
        project: Some(json!({})),
        ..Options::default()
    }
}

fn made_of(project: Value) -> Options {
    Options {
        project: Some(project),
        ..empty()
    }
}

fn seeded() -> Options {
    Options {
        project: None,
        ..empty()
    }
}

/// A client of a simulator.
struct Side {
    bench: Bench,
    project: ProjectId,
}

impl Side {
    fn new(options: Options) -> Self {
        Self::of(Bench::bare(options))
    }

    fn of(bench: Bench) -> Self {
        let project = ProjectId::parse(&bench.simulator.project_id()).unwrap();
        Self { bench, project }
    }

    async fn settings(&self) -> Settings {
        let reader = Reader {
            session: Session::new(self.bench.caller.clone(), Stop::default()),
            project: self.project,
            locations_container: None,
        };
        Settings::new(reader.read().await.unwrap())
    }

    async fn plan(&self, wanted: &Description) -> Plan {
        plan(&self.settings().await, wanted)
    }

    async fn carry_out(&self, plan: &Plan, stop: Stop) -> Vec<StepOutcome> {
        let writer = Writer {
            session: Session::new(self.bench.caller.clone(), stop),
            project: self.project,
        };
        writer.apply(plan).await
    }

    async fn apply(&self, wanted: &Description) -> (Plan, Vec<StepOutcome>) {
        let planned = self.plan(wanted).await;
        let outcomes = self.carry_out(&planned, Stop::default()).await;
        (planned, outcomes)
    }

    /// Successful requests to each endpoint that writes.
    fn writes(&self) -> u64 {
        let audit = serde_json::to_value(self.bench.simulator.audit()).unwrap();
        let answers = audit["endpoints"].as_object().unwrap();
        answers
            .iter()
            .filter(|(name, _)| name.ends_with(":create") || name.ends_with(":assign"))
            .flat_map(|(_, statuses)| statuses.as_object().unwrap().values())
            .filter_map(Value::as_u64)
            .sum()
    }

    /// Checks that there are no duplicate names.
    async fn assert_nothing_is_doubled(&self, what: &str) {
        let settings = self.settings().await;
        let content = settings.content();
        let mut names: Vec<String> = Vec::new();
        for set in &content.status_sets {
            names.push(format!("set {}", set.name));
            names.extend(
                set.statuses
                    .iter()
                    .map(|status| format!("status {} {}", set.id, status.label)),
            );
        }
        names.extend(
            content
                .attributes
                .iter()
                .map(|found| format!("attribute {}", found.display_name)),
        );
        names.extend(
            content
                .categories
                .iter()
                .map(|found| format!("category {:?} {}", found.parent, found.name)),
        );
        let mut times: HashMap<&String, usize> = HashMap::new();
        for name in &names {
            *times.entry(name).or_default() += 1;
        }
        assert!(times.values().all(|times| *times == 1), "{what}: {times:?}");
    }
}

fn description(value: &Value) -> Description {
    Description::read(value).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn plant() -> Description {
    description(&json!({
        "status_sets": [
            { "name": "Commissioning", "description": "by area",
              "statuses": ["Planned", { "label": "Installed", "color": "green", "description": "in place" }] },
            { "name": "Default", "default": true, "statuses": ["Specified", "Scrapped"] },
        ],
        "attributes": [
            { "display_name": "Airflow", "type": "numeric", "default": 1.5 },
            { "display_name": "Filter Class", "type": "select", "options": ["G4", "F7"], "default": "F7" },
            { "display_name": "Maker", "type": "text", "max_length": 40, "required": true },
        ],
        "categories": [
            { "path": "HVAC > Air Handling > Rooftop", "attributes": ["Filter Class", "Airflow"] },
            { "path": "HVAC", "description": "all of it", "status_set": "Commissioning", "attributes": ["Maker"] },
            { "path": ["A > B"], "status_set": "Commissioning" },
        ],
    }))
}

fn shown(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| format!("{} {} {}", step.action.as_str(), step.kind.as_str(), step.name))
        .collect()
}

fn statuses(outcomes: &[StepOutcome]) -> Vec<&str> {
    outcomes.iter().map(|outcome| outcome.status.as_str()).collect()
}

fn bad(outcomes: &[StepOutcome]) -> Vec<&StepOutcome> {
    let good = [Status::Created, Status::Assigned, Status::Exists];
    outcomes
        .iter()
        .filter(|outcome| !good.contains(&outcome.status))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_set_up_is_written_in_dependency_order() {
    let side = Side::new(empty());
    let wanted = plant();
    let (planned, outcomes) = side.apply(&wanted).await;
    assert_eq!(
        shown(&planned),
        [
            "create status_set Commissioning",
            "exists status_set Default",
            "create status Default: Scrapped",
            "create attribute Airflow",
            "create attribute Filter Class",
            "create attribute Maker",
            "create category HVAC",
            "create category A > B",
            "create category HVAC > Air Handling",
            "create category HVAC > Air Handling > Rooftop",
            "assign category_status_set HVAC: Commissioning",
            "assign category_attribute HVAC: Maker",
            "assign category_status_set A > B: Commissioning",
            "assign category_attribute HVAC > Air Handling > Rooftop: Filter Class",
            "assign category_attribute HVAC > Air Handling > Rooftop: Airflow",
        ]
    );
    assert_eq!(bad(&outcomes), Vec::<&StepOutcome>::new());
    let settings = side.settings().await;
    let place = settings
        .category("HVAC > Air Handling > Rooftop", ">", false)
        .unwrap();
    let set = &settings.content().status_sets[settings.set_of(place).unwrap()];
    assert_eq!(
        (set.name.as_str(), set.description.as_deref()),
        ("Commissioning", Some("by area"))
    );
    assert_eq!(set.statuses[1].color.as_deref(), Some("green"));
    let attributes: Vec<&str> = settings
        .attributes_of(place)
        .ones()
        .map(|found| settings.content().attributes[found].display_name.as_str())
        .collect();
    assert_eq!(attributes.len(), 3, "{attributes:?}");
    // A name that contains the separator is one name.
    assert!(settings.category_of_path(&["A > B"], ">", false).is_ok());

    let writes = side.writes();
    let (again, outcomes) = side.apply(&wanted).await;
    assert!(
        again.steps.iter().all(|step| step.action == Action::Exists),
        "{:#?}",
        again.steps
    );
    assert!(outcomes.iter().all(|outcome| outcome.status == Status::Exists));
    assert_eq!(side.writes(), writes, "nothing is written a second time");
}

#[tokio::test(start_paused = true)]
async fn a_project_is_copied_completely() {
    let (first, second) = (Side::new(seeded()), Side::new(Options { seed: 7, ..empty() }));
    let described = Description::of(&first.settings().await);
    let (_, outcomes) = second.apply(&described).await;
    assert_eq!(bad(&outcomes), Vec::<&StepOutcome>::new());
    assert_eq!(Description::of(&second.settings().await), described);
    // The description can be read again.
    let value = serde_json::to_value(&described).unwrap();
    assert_eq!(description(&value), described);
    let text = toml::to_string_pretty(&described).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    assert_eq!(
        description(&serde_json::to_value(table).unwrap()),
        described,
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn differences_are_reported_and_not_changed() {
    let side = Side::new(made_of(json!({
        "status_sets": [{ "name": "commissioning", "statuses": ["Planned", { "label": "Done", "active": false }] },
                        { "name": "Other", "statuses": ["X"] }],
        "attributes": [
            { "display_name": "Airflow", "type": "text" },
            { "display_name": "Filter Class", "type": "select", "options": ["G4", { "label": "M5", "active": false }] },
            { "display_name": "Head", "type": "numeric", "default": 2 },
            { "display_name": "Maker", "type": "text", "max_length": 50 },
        ],
        "categories": [{ "path": "HVAC", "status_set": "Other", "attributes": ["Airflow"] },
                       { "path": "Old", "active": false }],
    })));
    let wanted = description(&json!({
        "status_sets": [{ "name": "Commissioning", "statuses": ["Planned", "Done", "Tested"] }],
        "attributes": [
            { "display_name": "Airflow", "type": "numeric" },
            { "display_name": "Filter Class", "type": "select", "options": ["G4", "M5", "F9"], "default": "G4" },
            { "display_name": "Head", "type": "numeric", "default": "2.0", "required": true },
            { "display_name": "Maker", "type": "text", "max_length": 40 },
        ],
        "categories": [{ "path": "HVAC", "description": "air", "status_set": "Commissioning" },
                       { "path": "HVAC > Fans", "attributes": ["Airflow"] },
                       { "path": "Old > New", "attributes": ["Head"] }],
    }));
    let (planned, outcomes) = side.apply(&wanted).await;
    let told: Vec<(String, &str)> = shown(&planned)
        .into_iter()
        .zip(planned.steps.iter().map(|step| step.note.as_str()))
        .collect();
    let told: Vec<(&str, &str)> = told.iter().map(|(shown, note)| (shown.as_str(), *note)).collect();
    assert_eq!(
        told,
        [
            ("exists status_set Commissioning", ""),
            (
                "differs status Commissioning: Done",
                "it is inactive: activate it in the project"
            ),
            ("create status Commissioning: Tested", ""),
            (
                "differs attribute Airflow",
                "type is text in the project, but numeric in the description"
            ),
            (
                "differs attribute Filter Class",
                "default is none in the project, but \"G4\" in the description; the option `M5` is inactive; the option `F9` is missing"
            ),
            (
                "differs attribute Head",
                "it is not required in the project, but required in the description"
            ),
            (
                "differs attribute Maker",
                "max_length is 50 in the project, but 40 in the description"
            ),
            (
                "differs category HVAC",
                "description is none in the project, but \"air\" in the description"
            ),
            ("create category HVAC > Fans", ""),
            (
                "differs category Old",
                "it is inactive: activate it in the project, or use another name"
            ),
            ("missing category Old > New", "`Old` is inactive"),
            (
                "differs category_status_set HVAC: Commissioning",
                "it has the status set `Other` in the project"
            ),
            ("exists category_attribute HVAC > Fans: Airflow", ""),
            ("missing category_attribute Old > New: Head", "`Old` is inactive"),
        ]
    );
    assert_eq!(
        statuses(&outcomes),
        [
            "exists", "differs", "created", "differs", "differs", "differs", "differs", "differs", "created",
            "differs", "not_sent", "differs", "exists", "not_sent",
        ]
    );
    assert_eq!(side.writes(), 2);
    assert!(planned.mistakes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_inactive_setting_is_renamed_for_a_new_one() {
    let side = Side::new(made_of(json!({
        "status_sets": [{ "name": "Commissioning", "statuses": ["Planned"], "active": false }],
        "attributes": [{ "display_name": "Airflow", "type": "text", "active": false }],
    })));
    let wanted = description(&json!({
        "status_sets": [{ "name": "Commissioning", "statuses": ["Open"] }],
        "attributes": [{ "display_name": "Airflow", "type": "numeric" }],
    }));
    let (planned, outcomes) = side.apply(&wanted).await;
    assert!(
        planned.steps.iter().all(|step| step.note.contains("renames it")),
        "{:?}",
        planned.steps
    );
    assert_eq!(statuses(&outcomes), ["created", "created"]);
    assert_eq!(side.settings().await.content().attributes.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn unknown_names_are_problems_with_a_fix() {
    let side = Side::new(seeded());
    let wanted = description(&json!({
        "categories": [{ "path": "HVAC", "status_set": "Energization", "attributes": ["Manufacturer", "Colour"] }],
    }));
    let planned = side.plan(&wanted).await;
    assert_eq!(
        planned.mistakes(),
        [
            "HVAC: Energization: the status set `Energization` is neither in the description nor active in the project; did you \
             mean `Energisation`?",
            "HVAC: Colour: the custom attribute `Colour` is neither in the description nor active in the project; add it to the description",
        ]
    );
}

#[test]
fn every_problem_of_a_description_is_located() {
    let wrong = json!({
        "status_set": [],
        "separator": 3,
        "status_sets": [
            { "name": "A", "statuses": ["x", "X ", { "colour": "red" }] },
            { "name": "a", "statuses": [] },
            { "name": "B" },
            "C",
        ],
        "attributes": [
            { "display_name": "F", "type": "number" },
            { "type": "select" },
            { "display_name": "G", "type": "select", "options": ["u"], "default": "v", "max_length": 3 },
            { "display_name": "H", "type": "text", "options": ["u"], "max_length": 300, "required": "yes" },
            { "display_name": "I", "type": "date", "default": "28.2.2031" },
        ],
        "categories": [
            { "path": "P >  > Q" },
            { "path": 4 },
            { "name": "R" },
            { "path": [], "status_set": "A" },
            { "path": "S", "attributes": ["F", 3] },
            { "path": ["s"] },
        ],
    });
    assert_eq!(
        Description::read(&wrong).unwrap_err(),
        [
            "the description: unknown key `status_set`; did you mean `status_sets`?",
            "the description: `separator` is 3; use a string",
            "status_sets[0] `A`.statuses[2]: unknown key `colour`; did you mean `color`?",
            "status_sets[0] `A`.statuses[2]: `label` is missing",
            "status_sets[0] `A`.statuses[1] `X`: duplicate of an earlier entry",
            "status_sets[2] `B`: `statuses` is missing; add a list of labels",
            "status_sets[3]: it is \"C\"; use name, default, description, statuses",
            "attributes[0] `F`: `type` is `number`; use text, numeric, date, boolean, select, multi_select",
            "attributes[1]: `display_name` is missing",
            "attributes[1]: `options` is missing, but a select needs it; add a list of labels",
            "attributes[2] `G`: `max_length` is set, but the type is select; use it with text only",
            "attributes[2] `G`: `default` is \"v\"; use one of the options",
            "attributes[3] `H`: `required` is \"yes\"; use true or false",
            "attributes[3] `H`: `max_length` is 300; use a whole number from 1 to 250",
            "attributes[3] `H`: `options` is set, but the type is text; use it with select and multi_select only",
            "attributes[4] `I`: `default` is \"28.2.2031\"; use a date such as 2031-02-28",
            "categories[0] `P >  > Q`: `path` has an empty name; for ROOT, use an empty list",
            "categories[1]: `path` is 4; use a string or a list of names",
            "categories[2]: unknown key `name`; use path, description, status_set, attributes",
            "categories[2]: `path` is missing; add names such as HVAC > Air Handling, or a list of names",
            "categories[3] ``: `status_set` of ROOT is always the default set; remove it",
            "categories[4] `S`: `attributes[1]` is 3; use a string",
            "status_sets[1] `a`: duplicate of an earlier entry",
            "categories[5] `s`: duplicate of an earlier entry",
        ]
    );
}

/// The creates, by their names in the simulator.
const CREATES: [&str; 4] = [
    "status-step-sets:create",
    "asset-statuses:create",
    "custom-attributes:create",
    "categories:create",
];

#[tokio::test(start_paused = true)]
async fn lost_creates_make_no_duplicates() {
    let faults = [
        json!({ "what": "reset_after_apply" }),
        json!({ "what": "reset_before_apply" }),
        json!({ "what": "refuse" }),
        json!({ "what": "rate_limit", "retry_after": 3 }),
        json!({ "what": "wrong_types" }),
        json!({ "what": "html" }),
        json!({ "what": "cut_body" }),
        json!({ "what": "apply_late", "ms": 5000 }),
        json!({ "what": "status", "code": 502, "after_apply": true }),
        json!({ "what": "status", "code": 503 }),
        json!({ "what": "redirect", "url": "http://elsewhere.example" }),
    ];
    for create in CREATES {
        for each in &faults {
            for nth in [1, 2] {
                let side = Side::new(empty());
                let mut each = each.clone();
                each["on"] = json!(create);
                each["nth"] = json!(nth);
                side.bench.simulator.add_fault(fault(&each));
                let (planned, outcomes) = side.apply(&plant()).await;
                let what = format!("{each}");
                let refused = each["what"] == "redirect" && (nth == 1 || create.starts_with('c'));
                if refused {
                    let failed = outcomes.iter().filter(|outcome| outcome.status == Status::Failed);
                    assert_eq!(failed.count(), 1, "{what}: {outcomes:#?}");
                } else {
                    assert_eq!(bad(&outcomes), Vec::<&StepOutcome>::new(), "{what}");
                }
                for (step, outcome) in planned.steps.iter().zip(&outcomes) {
                    let made = step.action == Action::Create && outcome.status == Status::Created;
                    assert!(!made || outcome.id.is_some(), "{what}: {step:?}");
                }
                side.assert_nothing_is_doubled(&what).await;
                // Applying again completes the rest.
                let (_, again) = side.apply(&plant()).await;
                assert_eq!(bad(&again), Vec::<&StepOutcome>::new(), "{what}");
                side.assert_nothing_is_doubled(&what).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_create_blocks_its_dependents() {
    let side = Side::new(empty());
    side.bench.simulator.add_fault(fault(
        &json!({ "what": "reset_after_apply", "on": "categories:create" }),
    ));
    let planned = side.plan(&plant()).await;
    side.bench.simulator.add_fault(fault(
        &json!({ "what": "status", "code": 403, "on": "categories", "every": 1 }),
    ));
    let outcomes = side.carry_out(&planned, Stop::default()).await;
    let unknown: Vec<usize> = (0..outcomes.len())
        .filter(|step| outcomes[*step].status == Status::Unknown)
        .collect();
    assert_eq!(unknown.len(), 1, "{outcomes:#?}");
    assert!(
        outcomes[unknown[0]]
            .error
            .as_deref()
            .unwrap()
            .contains("the lookup failed")
    );
    let error = |step: usize| outcomes[step].error.clone().unwrap_or_default();
    let waiting = (0..outcomes.len()).filter(|step| error(*step).contains("whose creation is uncertain"));
    assert!(waiting.count() >= 1, "{outcomes:#?}");
    side.bench.simulator.clear_faults();
    let (_, again) = side.apply(&plant()).await;
    assert_eq!(bad(&again), Vec::<&StepOutcome>::new());
    side.assert_nothing_is_doubled("in doubt").await;
}

#[tokio::test(start_paused = true)]
async fn settings_created_by_another_program_exist() {
    for duplicate in ["409", "400"] {
        let side = Side::new(Options {
            switches: vec![("duplicate_status".into(), duplicate.into())],
            ..empty()
        });
        let early = side.plan(&plant()).await;
        let (_, first) = side.apply(&plant()).await;
        assert_eq!(bad(&first), Vec::<&StepOutcome>::new());
        let late = side.carry_out(&early, Stop::default()).await;
        for (step, outcome) in early.steps.iter().zip(&late) {
            let wanted = match step.action {
                Action::Assign => Status::Assigned,
                _ => Status::Exists,
            };
            assert_eq!(outcome.status, wanted, "{step:?} {outcome:?}");
        }
        side.assert_nothing_is_doubled(duplicate).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_affects_only_its_dependents() {
    let side = Side::new(empty());
    side.bench.simulator.add_fault(fault(
        &json!({ "what": "status", "code": 400, "on": "status-step-sets:create" }),
    ));
    let (planned, outcomes) = side.apply(&plant()).await;
    for (step, outcome) in planned.steps.iter().zip(&outcomes) {
        let expected = match (step.kind, step.name.as_str()) {
            (Kind::StatusSet, "Commissioning") => Status::Failed,
            (Kind::CategoryStatusSet, _) => Status::NotSent,
            _ => outcome.status,
        };
        assert_eq!(outcome.status, expected, "{step:?} {outcome:?}");
    }
    assert_eq!(bad(&outcomes).len(), 3);
    assert!(outcomes[0].error.as_deref().unwrap().contains("400"));
    assert!(
        bad(&outcomes)[1]
            .error
            .as_deref()
            .unwrap()
            .contains("it depends on `Commissioning`")
    );
}

#[tokio::test(start_paused = true)]
async fn a_rejected_user_ends_the_set_up() {
    let side = Side::new(empty());
    let planned = side.plan(&plant()).await;
    side.bench
        .simulator
        .add_fault(fault(&json!({ "what": "status", "code": 403, "every": 1 })));
    let outcomes = side.carry_out(&planned, Stop::default()).await;
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.status == Status::Failed)
        .count();
    assert!((1..=8).contains(&failed), "{outcomes:#?}");
    assert!(outcomes.iter().any(|outcome| outcome.status == Status::NotSent));
}

#[tokio::test(start_paused = true)]
async fn assignments_are_retried_until_answered() {
    for (what, good) in [
        (json!({ "what": "reset_after_apply" }), true),
        (json!({ "what": "reset_before_apply", "times": 3 }), true),
        (json!({ "what": "html", "times": 2 }), true),
        (json!({ "what": "html", "every": 1 }), false),
        (json!({ "what": "wrong_types" }), true),
    ] {
        for on in [
            "categories/custom-attributes:assign",
            "categories/status-step-set:assign",
        ] {
            let side = Side::new(empty());
            let mut each = what.clone();
            each["on"] = json!(on);
            side.bench.simulator.add_fault(fault(&each));
            let (_, outcomes) = side.apply(&plant()).await;
            assert_eq!(bad(&outcomes).is_empty(), good, "{each}: {outcomes:#?}");
            assert!(
                bad(&outcomes)
                    .iter()
                    .all(|outcome| outcome.status == Status::Unknown)
            );
            side.bench.simulator.clear_faults();
            let (_, again) = side.apply(&plant()).await;
            assert_eq!(bad(&again), Vec::<&StepOutcome>::new(), "{each}");
        }
    }
}

fn fuel(options: &[&str]) -> Value {
    json!({ "attributes": [{ "display_name": "Fuel", "type": "select", "options": options }] })
}

impl Side {
    /// The active options of the attribute Fuel, in their order.
    async fn fuels(&self) -> Vec<String> {
        let settings = self.settings().await;
        let attribute = &settings.content().attributes[0];
        let active = attribute.choices.iter().filter(|choice| choice.active);
        active.map(|choice| choice.label.clone()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn options_are_added_and_none_is_removed() {
    for removal in ["deactivate", "400"] {
        let side = Side::new(made_of(fuel(&["Gas", "Oil"])));
        side.bench.simulator.set_switch("enum_removal", removal).unwrap();
        let wanted = description(&fuel(&["oil", "Wood", "Sun"]));
        let planned = side.plan(&wanted).await;
        assert_eq!(shown(&planned), ["extend attribute Fuel"]);
        assert_eq!(planned.steps[0].note, "adds `Wood`, `Sun`");
        // Another user adds an option after the plan was made.
        let theirs = description(&fuel(&["Steam"]));
        assert_eq!(statuses(&side.apply(&theirs).await.1), ["extended"]);
        let outcomes = side.carry_out(&planned, Stop::default()).await;
        assert_eq!(statuses(&outcomes), ["extended"], "{outcomes:#?}");
        assert!(outcomes[0].request_id.is_some());
        assert_eq!(side.fuels().await, ["Gas", "Oil", "Steam", "Wood", "Sun"]);
        // The same plan again has nothing to do.
        assert_eq!(
            statuses(&side.carry_out(&planned, Stop::default()).await),
            ["exists"]
        );
        assert_eq!(shown(&side.plan(&wanted).await), ["exists attribute Fuel"]);
    }
}

#[tokio::test(start_paused = true)]
async fn options_are_added_once_despite_faults() {
    for (what, status) in [
        (json!({ "what": "reset_after_apply", "times": 1 }), "extended"),
        (json!({ "what": "reset_before_apply", "times": 1 }), "extended"),
        (json!({ "what": "html", "times": 2 }), "extended"),
        (json!({ "what": "wrong_types", "times": 1 }), "extended"),
        (json!({ "what": "reset_before_apply", "every": 1 }), "unknown"),
        (json!({ "what": "status", "code": 403, "every": 1 }), "failed"),
    ] {
        let side = Side::new(made_of(fuel(&["Gas"])));
        let mut each = what.clone();
        each["on"] = json!("custom-attributes:patch");
        side.bench.simulator.add_fault(fault(&each));
        let wanted = description(&fuel(&["Wood"]));
        let (_, outcomes) = side.apply(&wanted).await;
        assert_eq!(statuses(&outcomes), [status], "{what}: {outcomes:#?}");
        side.bench.simulator.clear_faults();
        side.apply(&wanted).await;
        assert_eq!(side.fuels().await, ["Gas", "Wood"], "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_sends_nothing_new_and_reports_unknown_steps() {
    for (phase, status) in [(Phase::Drain, Status::Created), (Phase::Now, Status::Unknown)] {
        let stop = Stop::default();
        let stopping = stop.clone();
        let guard = move |request: &acc_assets::http::Request| {
            if request.method.as_str() == "POST" && request.url.ends_with("/categories") {
                stopping.to(phase);
                return if phase == Phase::Now {
                    Way::HeldAfter
                } else {
                    Way::On
                };
            }
            Way::On
        };
        let side = Side::of(Bench::bare_guarded(empty(), client(), Box::new(guard)));
        let wanted = description(&json!({ "categories": [{ "path": "A > B > C" }] }));
        let planned = side.plan(&wanted).await;
        let outcomes = side.carry_out(&planned, stop).await;
        let found: Vec<Status> = outcomes.iter().map(|outcome| outcome.status).collect();
        assert_eq!(found, [status, Status::NotSent, Status::NotSent], "{outcomes:#?}");
    }
}
