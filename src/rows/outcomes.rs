//! Recognizes the columns of outcomes in a table that a result was converted to. They are not values of assets, even if
//! the project has attributes with such names.

/// The columns of a result as a table.
pub const OUTCOME_COLUMNS: [&str; 12] = [
    "row",
    "label",
    "key",
    "status",
    "id",
    "code",
    "message",
    "column",
    "value",
    "fix",
    "attempts",
    "request_id",
];
/// The columns that identify a row. Beside the user's own columns, they are left out.
const IDENTIFYING: [&str; 3] = ["row", "label", "key"];
/// The prefix of an outcome column whose name is taken.
const PREFIX: &str = "outcome_";
/// The column that may identify the assets.
const ID: &str = "id";

/// The reason given for ignoring a column of outcomes.
pub(super) const OF_OUTCOMES: &str = "outcome of an earlier call";

/// Returns the columns of outcomes among these columns, except the ids. They are recognized only if all of them are
/// there.
#[must_use]
pub fn outcome_columns<'n>(names: &[&'n str]) -> Vec<&'n str> {
    let found = |wanted: &str| {
        let of = |name: &&&'n str| name.trim_start_matches(PREFIX) == wanted;
        // The name with the prefix is there only if the user's own column has the other one.
        names.iter().filter(of).max_by_key(|name| name.len()).copied()
    };
    let wanted = OUTCOME_COLUMNS
        .iter()
        .filter(|name| !IDENTIFYING.contains(name) && **name != ID);
    let Some(mut columns) = wanted.map(|name| found(name)).collect::<Option<Vec<&str>>>() else {
        return Vec::new();
    };
    if IDENTIFYING.iter().all(|name| names.contains(name)) {
        columns.extend(names.iter().filter(|name| IDENTIFYING.contains(name)));
    }
    columns.extend(found(ID).filter(|name| *name != ID));
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_columns_are_recognized_only_together() {
        let all = OUTCOME_COLUMNS;
        let without_id: Vec<&str> = all.into_iter().filter(|name| *name != ID).collect();
        let mut found = outcome_columns(&all);
        found.sort_unstable();
        let mut expected = without_id.clone();
        expected.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(outcome_columns(&without_id[..10]), Vec::<&str>::new());
        assert_eq!(
            outcome_columns(&["Asset ID", "status", "code", "value"]),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn own_columns_beside_outcomes_are_not_outcomes() {
        let joined = [
            "label",
            "Status",
            "status",
            "value",
            "id",
            "outcome_status",
            "outcome_id",
            "code",
            "message",
            "column",
            "outcome_value",
            "fix",
            "attempts",
            "request_id",
        ];
        let found = outcome_columns(&joined);
        for own in ["label", "Status", "status", "value", "id"] {
            assert!(!found.contains(&own), "{own}");
        }
        assert_eq!(found.len(), 9);
    }
}
