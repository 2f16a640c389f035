//! Rows of new relationships: both ends from columns or entities, their checks, and the requests they need.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use acc_assets::api::{Now, Proof, SentRow, relationships};
use acc_assets::http::Stop;
use acc_assets::input::{Cell, Column, Label, More, Prepared, Sink, Source, SourceError};
use acc_assets::ledger::{SharedLedger, Status, View, lock};
use acc_assets::rows::{Dates, Names, Nulls, Policy, Problem, RowShape, RowWriter};
use acc_assets::run::Run;
use acc_assets::run::options::WriteOptions;
use acc_assets::simulator;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bench::{Bench, Call, Texts, fault};
use crate::written::Written;

const ASSET: &str = "6cdd4356-a719-4964-9fd7-0c505e731ac7";
const OTHER: &str = "84eb6a10-dde3-475f-aaf4-b5df3aebbd0b";
const URN: &str = "urn:adsk.wipprod:dm.lineage:Xy-1_z";

/// Cells by column.
type Cells<'c> = Vec<(&'c str, Cell<'c>)>;

fn policy() -> Policy {
    Policy {
        shape: RowShape::NewRelationship,
        nulls: Nulls::Omit,
        dates: Dates::Strict,
        id_column: "id".to_owned(),
        import_key: None,
        names: Names::default(),
    }
}

/// Writes one row after what is there already.
fn write(writer: &mut RowWriter, cells: &[(&str, Cell<'_>)]) -> Result<Value, Vec<Problem>> {
    let mut out = b"before".to_vec();
    let columns: Vec<Column> = cells.iter().map(|(name, _)| writer.column(name)).collect();
    writer.begin(&mut out);
    for (column, (_, cell)) in columns.iter().zip(cells) {
        writer.cell(*column, cell, &mut out);
    }
    let ended = writer.end(&mut out);
    let added = out.strip_prefix(b"before").expect("what was there stays");
    match ended {
        Ok(()) => Ok(serde_json::from_slice(added).unwrap()),
        Err(problems) => {
            assert!(added.is_empty(), "a refused row leaves nothing behind");
            Err(problems)
        }
    }
}

fn row(cells: &[(&str, Cell<'_>)]) -> Result<Value, Vec<Problem>> {
    write(&mut RowWriter::new(policy()), cells)
}

fn texts<'c>(cells: &[(&'c str, &'c str)]) -> Cells<'c> {
    let cells = cells.iter().copied();
    cells.map(|(name, text)| (name, Cell::Text(text))).collect()
}

/// An entity as a dict.
fn entity<'c>(domain: &'c str, of_domain: &'c str, id: &'c str) -> Cell<'c> {
    Cell::Map(vec![
        ("domain", Cell::Text(domain)),
        ("type", Cell::Text(of_domain)),
        ("id", Cell::Text(id)),
    ])
}

fn asset(id: &str) -> Cell<'_> {
    entity("autodesk-bim360-asset", "asset", id)
}

/// The columns of an end that is an asset, and those of one that is a document.
fn from_asset<'c>() -> Cells<'c> {
    texts(&[("from_kind", "asset"), ("from_id", ASSET)])
}

fn to_document<'c>() -> Cells<'c> {
    texts(&[("to_kind", "Document"), ("to_id", URN)])
}

#[test]
fn both_ends_are_written_from_any_form() {
    let of_asset = json!({"domain": "autodesk-bim360-asset", "type": "asset", "id": ASSET});
    let of_document =
        json!({"domain": "autodesk-bim360-documentmanagement", "type": "documentlineage", "id": URN});
    let document = || entity("autodesk-bim360-documentmanagement", "documentlineage", URN);
    let upper = ASSET.to_uppercase();
    let tuple = Cell::List(vec![
        Cell::Text("autodesk-bim360-asset"),
        Cell::Text("asset"),
        Cell::Text(ASSET),
    ]);
    let in_full = texts(&[
        ("From Domain", "Autodesk-BIM360-Asset"),
        ("from type", "asset"),
        ("FROM_ID", &upper),
        // A kind may stand beside its own domain and type, as in a table of relationships.
        ("to_kind", "document"),
        ("to_domain", "autodesk-bim360-documentmanagement"),
        ("to_type", "documentlineage"),
        ("to_id", " urn:adsk.wipprod:dm.lineage:Xy-1_z "),
    ]);
    let forms: [Cells<'_>; 5] = [
        [from_asset(), to_document()].concat(),
        in_full,
        vec![("from", tuple), ("to", document())],
        [to_document(), vec![("from", asset(&upper))]].concat(),
        vec![("entities", Cell::List(vec![asset(ASSET), document()]))],
    ];
    for cells in forms {
        let written = row(&cells).unwrap();
        assert_eq!(written["entities"], json!([of_asset, of_document]), "{cells:?}");
        let id: Uuid = written["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 4);
        assert_eq!(written.as_object().unwrap().len(), 2);
    }
}

#[test]
fn kinds_and_ids_stay_open() {
    let open = [
        [
            ("from_domain", Cell::Text("autodesk-bim360-asset")),
            ("from_type", Cell::Text("systemcategory")),
            ("from_id", Cell::Int(42)),
        ],
        [
            ("to_domain", Cell::Text("vendor-x")),
            ("to_type", Cell::Text("Gauge \"7\"")),
            ("to_id", Cell::Text("ü/7")),
        ],
    ];
    let written = row(&open.concat()).unwrap();
    assert_eq!(
        written["entities"],
        json!([
            {"domain": "autodesk-bim360-asset", "type": "systemcategory", "id": "42"},
            {"domain": "vendor-x", "type": "Gauge \"7\"", "id": "ü/7"},
        ])
    );
}

/// Returns the code and message of each problem.
fn told(problems: Vec<Problem>) -> Vec<(String, String)> {
    let told = problems.into_iter();
    told.map(|problem| (problem.code.into_owned(), problem.message))
        .collect()
}

/// Panics unless a row has exactly these problems: the code of each, and a part of its message.
fn check_problems(cells: &[(&str, Cell<'_>)], expected: &[(&str, &str)]) {
    let found = told(row(cells).unwrap_err());
    assert_eq!(found.len(), expected.len(), "{cells:?}: {found:?}");
    for ((code, message), (expected_code, part)) in found.iter().zip(expected) {
        assert_eq!(code, expected_code, "{cells:?}: {found:?}");
        assert!(message.contains(part), "{message:?} has no {part:?}");
    }
}

#[test]
fn all_problems_of_a_row_are_reported() {
    let long = "d".repeat(129);
    let endless = "i".repeat(513);
    let cases: Vec<(Cells<'_>, &[(&str, &str)])> = vec![
        (
            to_document(),
            &[
                (
                    "required",
                    "no column `from_kind`: required for a new relationship",
                ),
                ("required", "no column `from_id`: required for a new relationship"),
            ],
        ),
        (
            [to_document(), texts(&[("from_kind", "asset"), ("from_id", "")])].concat(),
            &[("required", "`from_id` is blank: required for a new relationship")],
        ),
        (
            [to_document(), texts(&[("from_domain", "x"), ("from_id", "1")])].concat(),
            &[(
                "required",
                "no column `from_type`: required for a new relationship",
            )],
        ),
        (
            [
                to_document(),
                texts(&[("from_kind", "assset"), ("from_id", "AHU-1")]),
            ]
            .concat(),
            &[("entity", "`from_kind` is 'assset': unknown kind of entity")],
        ),
        (
            [
                to_document(),
                texts(&[("from_kind", "asset"), ("from_id", "AHU-1")]),
            ]
            .concat(),
            &[("uuid", "`from_id` is 'AHU-1': not a UUID")],
        ),
        (
            texts(&[
                ("from_domain", &long),
                ("from_type", "asset"),
                ("from_id", &endless),
                ("to_kind", "photo"),
                ("to_domain", "autodesk-construction-form"),
                ("to_id", "7"),
            ]),
            &[
                ("too_long", "longer than 128 characters"),
                ("too_long", "longer than 512 characters"),
                (
                    "twice",
                    "`to_domain` is 'autodesk-construction-form': another column of this end has the domain \
                     'autodesk-construction-photo'",
                ),
            ],
        ),
        (
            vec![
                ("from", Cell::Text(ASSET)),
                ("to", entity("a", "", "1")),
                ("id", Cell::Text(OTHER)),
                ("created_on", Cell::Text("2031-02-28")),
                ("form_id", Cell::Text("1")),
            ],
            &[
                (
                    "entity",
                    "`from` is '6cdd4356-a719-4964-9fd7-0c505e731ac7': not an entity",
                ),
                ("entity", "an entity without type"),
                (
                    "set_by_service",
                    "`id` is set by the service and cannot be written",
                ),
                ("set_by_service", "`created_on` is set by the service"),
                ("unknown_column", "unknown column `form_id`"),
            ],
        ),
        (
            vec![("entities", Cell::List(vec![asset(ASSET)]))],
            &[("entity", "not a list of two entities")],
        ),
        (
            [from_asset(), texts(&[("from_kind", "asset"), ("to", "")])].concat(),
            &[
                ("twice", "`from_kind` appears twice in this row"),
                ("required", "`to` is blank: required for a new relationship"),
            ],
        ),
    ];
    for (cells, expected) in cases {
        check_problems(&cells, expected);
    }
}

#[test]
fn a_pair_is_one_relationship_in_either_order() {
    let mut writer = RowWriter::new(policy());
    let one = write(&mut writer, &[from_asset(), to_document()].concat()).unwrap();
    let key = writer.key().to_owned();
    let reversed = texts(&[
        ("from_kind", "document"),
        ("from_id", URN),
        ("to_kind", "asset"),
        ("to_id", ASSET),
    ]);
    assert_eq!(write(&mut writer, &reversed).unwrap(), one);
    assert_eq!(writer.key(), key);
    let another = texts(&[
        ("from_kind", "document"),
        ("from_id", URN),
        ("to_kind", "asset"),
        ("to_id", OTHER),
    ]);
    assert_ne!(write(&mut writer, &another).unwrap()["id"], one["id"]);
    // Ids other than those of assets are open, so each spelling is an id of its own.
    let photos = [OTHER.to_uppercase(), OTHER.to_lowercase()].map(|photo| {
        let cells = texts(&[("to_kind", "photo"), ("to_id", &photo)]);
        write(&mut writer, &[from_asset(), cells].concat()).unwrap()
    });
    assert_ne!(photos[0]["id"], photos[1]["id"]);
    assert_ne!(photos[0]["entities"], photos[1]["entities"]);
    let itself = texts(&[
        ("from_kind", "asset"),
        ("from_id", OTHER),
        ("to_kind", "asset"),
        ("to_id", OTHER),
    ]);
    write(&mut writer, &itself).unwrap();
    let warnings = writer.warnings(&|row| format!("row {row}"));
    assert_eq!(
        warnings,
        ["both ends are the same entity in 1 row (row 5). The service may reject that"]
    );
}

#[test]
fn a_lost_link_is_judged_by_what_the_service_shows() {
    let Proof::ById { now, .. } = &relationships::CREATE.proof else {
        panic!("links have ids of their own");
    };
    let sent = SentRow {
        key: OTHER,
        body: b"{}",
    };
    let judged = |shown: Option<Value>| now(shown.as_ref(), &sent);
    assert_eq!(judged(None), Now::NotDone);
    assert_eq!(judged(Some(json!({"id": OTHER}))), Now::Done);
    assert_eq!(judged(Some(json!({"isDeleted": false}))), Now::Done);
    assert!(matches!(
        judged(Some(json!({"isDeleted": true}))),
        Now::Impossible(_)
    ));
    for odd in [json!("true"), json!(null), json!(1)] {
        assert!(matches!(judged(Some(json!({"isDeleted": odd}))), Now::Unclear(_)));
    }
}

fn link(number: usize) -> Texts {
    vec![
        ("from_kind", "asset".to_owned()),
        ("from_id", Uuid::from_u128(number as u128).to_string()),
        ("to_kind", "document".to_owned()),
        ("to_id", format!("urn:{number}")),
    ]
}

/// Rows that are read as texts.
struct Links(std::vec::IntoIter<Texts>);

impl Source for Links {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        for row in self.0.by_ref() {
            let columns: Vec<Column> = row.iter().map(|(name, _)| sink.column(name)).collect();
            if sink.begin(Label::Number) {
                for (column, (_, value)) in columns.into_iter().zip(&row) {
                    sink.cell(column, &Cell::Text(value));
                }
                sink.end();
            }
        }
        Ok(More::End)
    }

    fn rows(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_counts_the_requests_of_pairs() {
    let bench = Bench::new(simulator::Options::default());
    let mut call = Call::new(&relationships::CREATE, RowShape::NewRelationship, Vec::new());
    let mut job = bench.job(&mut call);
    job.dry_run = true;
    let mut rows: Vec<Texts> = (0..1000).map(link).collect();
    // Two repeats, one of them with its ends in the other order, and a row without an id.
    let swapped = |(name, text): (&'static str, String)| match name {
        "from_kind" => ("to_kind", text),
        "from_id" => ("to_id", text),
        "to_kind" => ("from_kind", text),
        _ => ("from_id", text),
    };
    rows.push(link(7).into_iter().map(swapped).collect());
    rows.push(link(8));
    rows.push(vec![("from_kind", "asset".to_owned())]);
    let ledger: SharedLedger = Arc::new(Mutex::default());
    let run = Run::new(bench.caller.clone(), job, ledger.clone(), Stop::default());
    let ended = run.drive(Box::new(Links(rows.into_iter()))).await;
    assert!(ended.fatal.is_none(), "{:?}", ended.fatal);
    let ledger = lock(&ledger);
    assert_eq!((ledger.estimate.rows, ledger.estimate.requests), (1000, 50));
    assert!((ledger.estimate.per_minute - 120.0).abs() < f64::EPSILON);
    assert_eq!((ledger.same_as(1000), ledger.same_as(1001)), (Some(7), Some(8)));
    assert_eq!(ledger.status(1002), Status::Invalid);
    let repeats = "the two entities are those of an earlier row in 2 rows";
    assert!(
        ledger.warnings.iter().any(|warning| warning.starts_with(repeats)),
        "{:?}",
        ledger.warnings
    );
    assert_eq!(bench.simulator.audit().requests, 0);
}

#[test]
fn the_ids_of_rows_differ() {
    let mut writer = RowWriter::new(policy());
    let ids: HashSet<String> = (0..100)
        .map(|number| {
            let row = link(number);
            let cells: Cells<'_> = row.iter().map(|(name, text)| (*name, Cell::Text(text))).collect();
            write(&mut writer, &cells).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 100);
}

#[test]
fn an_id_row_speaks_of_its_relationship() {
    let of_ids = Policy {
        shape: RowShape::IdOfRelationship,
        ..policy()
    };
    for (cells, message) in [
        (
            vec![("id", Cell::Null)],
            "`id` is blank: it identifies the relationship",
        ),
        (
            texts(&[("key", "")]),
            "no column `id`: it identifies the relationship. The columns are `key`",
        ),
    ] {
        let problems = write(&mut RowWriter::new(of_ids.clone()), &cells).unwrap_err();
        assert_eq!(told(problems), [("required".to_owned(), message.to_owned())]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_shows_others_speaks_of_relationships() {
    let bench = Bench::new(simulator::Options::default());
    let ids = bench.simulator.seed_relationships(2);
    for wrong in [
        json!({"what": "reset_after_apply", "on": "relationships:delete", "every": 1}),
        json!({"what": "wrong_types", "on": "relationships:batch", "every": 1}),
    ] {
        bench.simulator.add_fault(fault(&wrong));
    }
    let rows = ids.into_iter().map(|id| vec![("id", id)]).collect();
    let call = Call::new(&relationships::DELETE, RowShape::IdOfRelationship, rows);
    let (ledger, _) = bench.call(call).await;
    let causes = View::new(Arc::new(ledger)).causes();
    let messages: Vec<&str> = causes.iter().map(|cause| cause.message.as_str()).collect();
    let [message] = &messages[..] else {
        panic!("{messages:?}");
    };
    let expected = "it contains relationships that were not requested";
    assert!(message.contains(expected), "{message}");
}

/// Returns the options of a write from the JSON that Python passes.
fn options(given: &Value) -> WriteOptions {
    let mut all = json!({
        "batch_size": 20, "nulls": "omit", "dates": "strict", "id": "id", "on_error": "collect", "max_errors": null,
        "dry_run": false, "returning": false, "reconcile": true, "import_key": null, "run": null, "mapping": [],
        "separator": ">",
    });
    let given = given.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(given);
    serde_json::from_value(all).unwrap()
}

/// Returns the error of options that cannot be used for relationships.
fn rejection(given: &Value) -> String {
    let names = options(given).names(RowShape::NewRelationship, None, None);
    names.unwrap_err().to_string()
}

/// Writes rows with these options, in the way of a call from Python.
fn written(given: &Value, rows: Vec<Texts>) -> Written {
    let (options, shape) = (options(given), RowShape::NewRelationship);
    let names = options.names(shape, None, None).unwrap();
    let preparation = options
        .reading
        .preparation(shape.fields(), &options.mapping, None);
    let mut source = Prepared::new(Links(rows.into_iter()), preparation);
    Written::of(options.policy(shape, None, names), &mut source)
}

/// Returns the entities of each row, or its problems.
fn entities_of(written: &Written) -> Vec<Result<Value, Vec<(String, String)>>> {
    let entities = |body: &String| serde_json::from_str::<Value>(body).unwrap()["entities"].take();
    let rows = written.rows.iter();
    rows.map(|row| {
        row.as_ref()
            .map(entities)
            .map_err(|problems| told(problems.clone()))
    })
    .collect()
}

/// Returns the entities of a link between the asset and a document.
fn entities(document: &str) -> Value {
    json!([
        {"domain": "autodesk-bim360-asset", "type": "asset", "id": ASSET},
        {"domain": "autodesk-bim360-documentmanagement", "type": "documentlineage", "id": document},
    ])
}

#[test]
fn mapping_takes_fields_of_relationships() {
    let given = json!({"mapping": [
        ["Source", "from_id"], ["Source kind", "From Kind"], ["Target", "to_id"], ["Note", null],
    ]});
    let row = vec![
        ("Source", ASSET.to_owned()),
        ("Source kind", "asset".to_owned()),
        // A heading in another spelling, as Excel may break its lines.
        ("target\n", URN.to_owned()),
        ("to_kind", "document".to_owned()),
        ("Note", "?".to_owned()),
    ];
    let written = written(&given, vec![row]);
    assert_eq!(entities_of(&written), [Ok(entities(URN))]);
    let warnings = written.writer.warnings(&|row| format!("row {row}"));
    assert!(warnings.is_empty(), "{warnings:?}");
    let is_identifier = |column| options(&given).is_identifier(column, RowShape::NewRelationship, None);
    assert!(is_identifier("Source") && is_identifier("to_id"));
    assert!(!is_identifier("Note") && !is_identifier("clientAssetId"));
}

#[test]
fn mapping_rejects_what_is_no_field_of_a_relationship() {
    let of = "mapping: column `Source` is mapped to";
    for (target, said) in [
        (
            "form_id",
            "`form_id`, which is not a field of a relationship; did you mean `from_id`?",
        ),
        ("Category", "`Category`, which is not a field of a relationship"),
        ("ca12", "`ca12`, which is not a field of a relationship"),
        (
            "customAttributes.ca12",
            "`customAttributes.ca12`, which is not a field of a relationship",
        ),
    ] {
        let error = rejection(&json!({"mapping": [["Source", target]]}));
        assert_eq!(error.trim_end_matches('.'), format!("{of} {said}"));
    }
}

#[test]
fn options_name_columns_of_relationships_by_field() {
    let given = json!({
        "mapping": [["Source", "from_id"]],
        "reading": {"fill_down": ["From ID"], "values": [["From Kind", [["Equipment", "asset"]]]]},
    });
    let row = |source: &str, document: &str| {
        [
            ("Source", source),
            ("from_kind", "Equipment"),
            ("to_kind", "document"),
            ("to_id", document),
        ]
        .map(|(name, text)| (name, text.to_owned()))
        .to_vec()
    };
    let written = written(&given, vec![row(ASSET, "urn:1"), row("", "urn:2")]);
    assert_eq!(
        entities_of(&written),
        [Ok(entities("urn:1")), Ok(entities("urn:2"))]
    );
    let warnings = written.writer.warnings(&|row| format!("row {row}"));
    let filled = "1 blank cell of `Source` has the value of the row above (fill_down=)";
    assert_eq!(warnings, [filled]);
    let error = rejection(&json!({
        "mapping": [["Source", "from_id"]],
        "reading": {"values": [["Source", [["a", "b"]]], ["from_id", [["a", "c"]]]]},
    }));
    assert!(
        error.contains("'Source' and 'from_id' are the same column"),
        "{error}"
    );
    // The headings of assets have no meaning here.
    let names = options(&json!({
        "reading": {"values": [["Name", [["a", "b"]]], ["Asset ID", [["a", "c"]]]]},
    }))
    .names(RowShape::NewRelationship, None, None);
    assert!(names.is_ok(), "{:?}", names.err());
}

#[test]
fn unknown_columns_get_suggestions_of_relationships() {
    const DROP: &str = "rename or drop the column";
    for (column, code, fix) in [
        (
            "form_id",
            "unknown_column",
            "did you mean `from_id`? Rename the column, or drop it",
        ),
        ("ca12", "unknown_column", DROP),
        ("Asset ID", "unknown_column", DROP),
        (
            "from_name",
            "set_by_service",
            "use the id of the entity in `from_id`, and drop this column",
        ),
        (
            "To Barcode",
            "set_by_service",
            "use the id of the entity in `to_id`, and drop this column",
        ),
        (
            "Created On",
            "set_by_service",
            "pass only the rows of new relationships, without this column",
        ),
    ] {
        let cells = [from_asset(), to_document(), texts(&[(column, "7")])].concat();
        let problems = row(&cells).unwrap_err();
        let found: Vec<(&str, &str)> = problems
            .iter()
            .map(|problem| (&*problem.code, &*problem.fix))
            .collect();
        assert_eq!(found, [(code, fix)], "{column}");
    }
}
