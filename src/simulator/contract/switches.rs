//! Switches for undocumented behavior.

macro_rules! switches {
    ($($variant:ident $name:literal [$($value:literal),+] $about:literal;)+) => {
        /// A switch for undocumented behavior. `SWITCHES` lists the values of each switch.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Switch { $(#[doc = $about] $variant,)+ }

        /// The name, values and meaning of every switch, in the order of `Switch`. The first value is the
        /// default. `<n>` stands for any number that is not negative.
        pub const SWITCHES: &[(&str, &[&str], &str)] = &[$(($name, &[$($value),+], $about),)+];
    };
}

switches! {
    BatchErrorShape "batch_error_shape" ["list_index", "list_index_from_1", "list_id", "first_only", "single_object"] "How \
        an error for a batch names its bad items.";
    ErrorText "error_text" ["present", "absent"] "Whether an error of the Assets API has a text in addition \
        to its code.";
    OverLimit "over_limit" ["400", "413", "silent", "accept"] "Too many items in a call; silent is a 400 \
        without a reason.";
    MaxItems "max_items" ["none", "<n>"] "Most items per call of the batch endpoints, if below the \
        documented number.";
    EmptyBatch "empty_batch" ["400", "accept"] "A batch without items.";
    DuplicateIds "duplicate_ids" ["dedupe", "repeat", "400"] "A duplicate id within a call.";
    LimitOver "limit_over" ["400", "clamp"] "A page size of 0 or above the maximum.";
    BadCursor "bad_cursor" ["400", "restart"] "An invalid cursorState.";
    BadSort "bad_sort" ["400", "ignore"] "An unknown sort field.";
    ListSort "list_sort" ["as_asked", "ignored"] "Whether GET assets sorts as requested.";
    UnknownQuery "unknown_query" ["ignore", "400"] "An unknown query parameter.";
    IgnoreFilter "ignore_filter" ["none", "all"] "Filters of GET assets that have no effect.";
    EmptyPage "empty_page" ["none", "before_each"] "Empty pages of GET assets that have a cursor.";
    BarcodeUnique "barcode_unique" ["off", "409"] "Whether two active assets may share a barcode.";
    ClientAssetIdMax "client_asset_id_max" ["100", "none", "<n>"] "Longest clientAssetId.";
    BarcodeMax "barcode_max" ["100", "none", "<n>"] "Longest barcode.";
    ClientAssetIdTrim "client_asset_id_trim" ["off", "on"] "Whether blanks around a clientAssetId are \
        stripped.";
    KeyCase "key_case" ["kept", "lower"] "Whether clientAssetId and barcode keep their letter case.";
    EmptyText "empty_text" ["kept", "cleared"] "An empty description, barcode or text attribute.";
    PatchNull "patch_null" ["clear", "reject", "ignore"] "The meaning of null for an optional field.";
    UnknownField "unknown_field" ["400", "ignore"] "An undocumented field.";
    UnknownAttribute "unknown_ca" ["400", "ignore"] "A custom attribute that the category does not have.";
    NumericRead "numeric_read" ["as_sent", "string", "number"] "How numeric attribute values are returned.";
    Required "required" ["create", "create_and_patch", "off"] "When requiredOnIngress is enforced.";
    FillDefaults "fill_defaults" ["on", "off"] "Whether a create fills in defaultValue.";
    CategoryChange "category_change" ["400", "drop_foreign", "keep"] "Attributes that the new category of \
        a patched asset does not have.";
    UnknownAsset "unknown_asset" ["400", "404"] "An unknown asset id in a patch or delete.";
    DeletedAsset "deleted_asset" ["400", "404", "409", "accept"] "A deleted asset in a patch or delete.";
    ResultOrder "result_order" ["request", "shuffled"] "Order of the results of batch-get and batch-create.";
    ReadLag "read_lag_ms" ["0", "<n>"] "How long GET assets does not show a new asset.";
    Inject409 "inject_409" ["off", "<n>"] "Fraction of asset writes that get a 409, with nothing applied.";
    ForeignProject "foreign_project" ["403", "404"] "A project without this user as a member.";
    RootCategory "root_category" ["allow", "400"] "ROOT as the category of an asset.";
    DateTimestamp "date_timestamp" ["400", "truncate"] "A date attribute with a time in it.";
    SettingsDeleted "settings_deleted" ["omit", "return"] "Inactive ids in a batch-get of settings without includeDeleted.";
    DuplicateStatus "duplicate_status" ["409", "400"] "HTTP status for a setting whose name is taken.";
    EnumRemoval "enum_removal" ["deactivate", "400"] "A value of a select attribute that a patch omits.";
    SetInUse "set_in_use" ["409", "accept"] "Another status set for a category whose assets have statuses \
        of the current one.";
    ForeignLocation "foreign_location" ["400", "accept"] "A locationId that is not in the project.";
    MisprintedScalars "misprinted_scalars" ["off", "on"] "batch-patch returns \"2,\" and \"true,\" as shown on its page.";
    ScopeEnforcement "scope_enforcement" ["strict", "lax"] "Whether data:create is required in addition to \
        data:write.";
    NextUrl "next_url" ["correct", "misprinted"] "nextUrl in working form, or as printed in the reference.";
    DeleteUnknown "delete_unknown" ["omit", "404"] "Unknown or deleted ids in relationships:delete.";
    DeleteForbidden "delete_forbidden" ["omit", "403"] "Read-only relationships in relationships:delete.";
    DeleteDuplicates "delete_duplicates" ["once", "400"] "A duplicate id in relationships:delete.";
    PutLimit "put_limit" ["array", "fanout", "none"] "The meaning of the limit of 20 in PUT relationships.";
    PutExisting "put_existing" ["return", "409", "duplicate"] "PUT of a linked pair without an id.";
    PutReplay "put_replay" ["409", "200"] "PUT of a linked pair with its own id.";
    PutDeletedPair "put_deleted_pair" ["new", "revive"] "PUT of a pair whose link was deleted.";
    PutFailure "put_failure" ["atomic", "partial"] "One forbidden or unknown item in a PUT.";
    PutNotWritable "put_not_writable" ["403", "400"] "A pair that cannot be linked.";
    BatchMissing "batch_missing" ["omit", "404"] "Unknown ids in relationships:batch.";
    BatchOrder "batch_order" ["request", "shuffled"] "Order of the response of relationships:batch.";
    PageLimitOver "page_limit_over" ["clamp", "400"] "A pageLimit above 100.";
    TokenTtl "token_ttl" ["none", "<n>"] "Lifetime of a continuation token in seconds.";
    WritableAssetIssue "writable_asset_issue" ["off", "on"] "Whether assets and issues can be linked.";
    RegionHeader "region_header" ["optional", "required"] "x-ads-region on relationship calls.";
    EmptySuccess "empty_success" ["absent", "empty_list"] "The success list of a 409 without success.";
    LastToken "last_token" ["null", "absent"] "continuationToken on the last page.";
    EntityOrder "entity_order" ["sent", "swapped", "random"] "Order of the entities in a response.";
    RateWindow "rate_window" ["sliding", "clock"] "Sliding or fixed rate windows.";
    RetryAfter "retry_after" ["seconds", "absent", "http_date"] "Retry-After of a 429.";
    Body429 "body_429" ["developerMessage", "ERR-001", "empty", "service"] "Body of a 429: the gateway's, none, or the service's own.";
    RateScale "rate_scale" ["1.0", "<n>"] "Factor on all limits.";
    DateHeader "date_header" ["present", "absent"] "Date header of responses.";
    RequestIdHeader "request_id_header" ["both", "none"] "x-ads-request-id and x-request-id of responses.";
    MaxBody "max_body" ["none", "<n>"] "Largest request body in bytes; more is a 413.";
    Inject5xx "inject_5xx" ["off", "before_apply", "after_apply", "<n>"] "504 for calls with more than \
        half the item limit, or for a fraction of the relationship calls.";
    AssetsRegion "assets_region" ["ignore", "required"] "x-ads-region on asset calls.";
    MoreInfoKey "more_info_key" ["moreInfo", "more info"] "Name of the link in gateway errors.";
    GatewayDown "gateway_down" ["off", "html", "json"] "Every call gets a 502.";
    InheritedFrom "inherited_from" ["inherited", "always", "absent"] "Which rows of a category show their \
        origin.";
    LocationsTotal "locations_total" ["grand", "page"] "totalResults of the location tree.";
    LocationPath "location_path" ["ancestors", "with_self"] "Path of a location requested by id.";
    LocationsNext "locations_next" ["relative", "absolute", "next_key"] "Format of nextUrl of the location \
        tree.";
}

/// The current value of every switch.
#[derive(Debug, Clone)]
pub struct Switches(Vec<String>);

impl Default for Switches {
    fn default() -> Self {
        Self(
            SWITCHES
                .iter()
                .map(|(_, values, _)| values[0].to_owned())
                .collect(),
        )
    }
}

impl Switches {
    /// Sets a switch by name. The error for an unknown name or value lists the valid names or values.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let Some(index) = SWITCHES.iter().position(|(known, ..)| *known == name) else {
            let names: Vec<&str> = SWITCHES.iter().map(|(known, ..)| *known).collect();
            return Err(format!(
                "unknown switch {name:?}; the switches are {}",
                names.join(", ")
            ));
        };
        let allowed = SWITCHES[index].1;
        let number = || {
            value
                .parse::<f64>()
                .is_ok_and(|number| number.is_finite() && number >= 0.0)
        };
        let listed = allowed.contains(&value) && value != "<n>";
        let counted = allowed.contains(&"<n>") && number();
        if !listed && !counted {
            return Err(format!(
                "switch {name} cannot be {value:?}; use {}",
                allowed.join(" | ")
            ));
        }
        value.clone_into(&mut self.0[index]);
        Ok(())
    }

    /// Returns whether a switch has this value.
    #[must_use]
    pub fn is(&self, switch: Switch, value: &str) -> bool {
        debug_assert!(
            SWITCHES[switch as usize].1.contains(&value),
            "no value {value} for {switch:?}"
        );
        self.0[switch as usize] == value
    }

    /// Returns the value of a switch as a number, or `None` if the value is not a number.
    #[must_use]
    pub fn number(&self, switch: Switch) -> Option<f64> {
        self.0[switch as usize].parse().ok()
    }

    /// Returns the names and values of all switches, in the order of `SWITCHES`.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        SWITCHES
            .iter()
            .zip(&self.0)
            .map(|((name, ..), value)| (*name, value.as_str()))
    }
}
