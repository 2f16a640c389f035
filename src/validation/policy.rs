//! How rows are read, and what they become.

/// What a row becomes in the request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowShape {
    /// `{"clientAssetId":"AHU-1",...}`, an item of assets:batch-create.
    NewAsset,
    /// `"<id>":{...}`, an entry of assets:batch-patch.
    AssetPatch,
    /// `"<id>"`; every other column is ignored.
    Id,
}

/// What a null cell does. It never satisfies a required field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// As if the cell were not there.
    Omit,
    /// Clears the field on a patch; on a create there is nothing to clear.
    Clear,
    /// Makes the row invalid.
    Error,
}

/// What a custom attribute does with a date that has a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// Makes the row invalid.
    Exact,
    /// Drops the time of day.
    Date,
}

/// How rows are read and what they become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub shape: RowShape,
    pub nulls: Nulls,
    pub dates: Dates,
    /// The column that holds the id, for a patch and for ids.
    pub id_column: String,
}
