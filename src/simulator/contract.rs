//! The contract of the service as tables: endpoints, writable fields, error codes, and switches for
//! undocumented behavior.
//!
//! The tables are based only on the official documentation and share no rules with the client, so each
//! verifies the other.

use crate::http::send::Method;

/// A service that provides data of the simulated project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Assets,
    Relationships,
    Locations,
    /// The Locations API for BIM 360, which identifies the project by a separate container id.
    LocationContainers,
}

/// A group of endpoints that share one rate limit per user ("Assets rate limits" and "Relationships rate
/// limits" pages).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    AssetsRead,
    AssetsWrite,
    Relationships,
    Locations,
    /// The endpoints for error codes, which require no token and have no rate limit.
    Free,
}

impl Group {
    /// Returns the name of the group in options and in the audit.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AssetsRead => "assets_read",
            Self::AssetsWrite => "assets_write",
            Self::Relationships => "relationships",
            Self::Locations => "locations",
            Self::Free => "free",
        }
    }
}

/// The definition of an endpoint.
#[derive(Debug)]
pub struct Endpoint {
    /// The name of the endpoint in faults and in the audit.
    pub tag: &'static str,
    pub method: Method,
    pub service: Service,
    /// The path after the service's prefix. `{}` stands for one path segment.
    pub path: &'static str,
    pub scopes: &'static [&'static str],
    pub group: Group,
    /// Whether a request must have a body and a content type.
    pub body: bool,
    /// The maximum number of items per call. `None` for no limit.
    pub items: Option<usize>,
    /// The names of the valid query parameters. A trailing `*` matches any suffix.
    pub query: &'static [&'static str],
}

/// The path prefixes of each service. The two prefixes of Assets are equivalent ("Assets field guide").
pub const PREFIXES: &[(&str, Service)] = &[
    ("/bim360/assets", Service::Assets),
    ("/construction/assets", Service::Assets),
    ("/bim360/relationship/v2", Service::Relationships),
    ("/construction/locations/v2", Service::Locations),
    ("/bim360/locations/v2", Service::LocationContainers),
];

const READ: &[&str] = &["data:read"];
const WRITE: &[&str] = &["data:write"];
const WRITE_CREATE: &[&str] = &["data:write", "data:create"];
const SETTINGS_LIST: &[&str] = &["limit", "cursorState", "includeDeleted", "filter[updatedAt]"];

const fn read(
    tag: &'static str,
    path: &'static str,
    method: Method,
    query: &'static [&'static str],
) -> Endpoint {
    let body = matches!(method, Method::Post);
    let items = if body { Some(100) } else { None };
    Endpoint {
        tag,
        method,
        service: Service::Assets,
        path,
        scopes: READ,
        group: Group::AssetsRead,
        body,
        items,
        query,
    }
}

const fn write(
    tag: &'static str,
    path: &'static str,
    method: Method,
    scopes: &'static [&'static str],
) -> Endpoint {
    Endpoint {
        tag,
        method,
        service: Service::Assets,
        path,
        scopes,
        group: Group::AssetsWrite,
        body: true,
        items: Some(100),
        query: &[],
    }
}

/// Defines an endpoint that writes one settings object per request ("Create settings" tutorial).
const fn setting(
    tag: &'static str,
    path: &'static str,
    method: Method,
    scopes: &'static [&'static str],
    query: &'static [&'static str],
) -> Endpoint {
    Endpoint {
        tag,
        method,
        service: Service::Assets,
        path,
        scopes,
        group: Group::AssetsWrite,
        // An assignment is a PUT and has all of its data in the path.
        body: !matches!(method, Method::Put),
        items: None,
        query,
    }
}

const fn open(tag: &'static str, path: &'static str) -> Endpoint {
    Endpoint {
        tag,
        method: Method::Get,
        service: Service::Assets,
        path,
        scopes: &[],
        group: Group::Free,
        body: false,
        items: None,
        query: &[],
    }
}

const fn relationship(
    tag: &'static str,
    path: &'static str,
    method: Method,
    scopes: &'static [&'static str],
    items: Option<usize>,
    query: &'static [&'static str],
) -> Endpoint {
    Endpoint {
        tag,
        method,
        service: Service::Relationships,
        path,
        scopes,
        group: Group::Relationships,
        body: items.is_some(),
        items,
        query,
    }
}

const fn locations(tag: &'static str, path: &'static str, service: Service) -> Endpoint {
    Endpoint {
        tag,
        method: Method::Get,
        service,
        path,
        scopes: READ,
        group: Group::Locations,
        body: false,
        items: None,
        query: &["limit", "offset", "filter[id]"],
    }
}

/// Every endpoint that the simulator supports. A request to any other path gets a 404.
pub const ENDPOINTS: &[Endpoint] = &[
    read(
        "assets",
        "/v2/projects/{}/assets",
        Method::Get,
        &["limit", "cursorState", "sort", "filter[*", "include*"],
    ),
    read(
        "assets:batch-get",
        "/v2/projects/{}/assets:batch-get",
        Method::Post,
        &["includeCustomAttributes", "includeDeleted"],
    ),
    write(
        "assets:batch-create",
        "/v2/projects/{}/assets:batch-create",
        Method::Post,
        WRITE_CREATE,
    ),
    write(
        "assets:batch-patch",
        "/v2/projects/{}/assets:batch-patch",
        Method::Patch,
        WRITE_CREATE,
    ),
    write(
        "assets:batch-delete",
        "/v2/projects/{}/assets:batch-delete",
        Method::Post,
        WRITE,
    ),
    read(
        "categories",
        "/v1/projects/{}/categories",
        Method::Get,
        &["filter[*", "includeUid", "limit", "offset"],
    ),
    read(
        "categories:batch-get",
        "/v1/projects/{}/categories:batch-get",
        Method::Post,
        &["includeUid"],
    ),
    read(
        "categories/custom-attributes",
        "/v1/projects/{}/categories/{}/custom-attributes",
        Method::Get,
        &["includeInherited", "limit", "offset"],
    ),
    read(
        "category-status-step-sets",
        "/v1/projects/{}/category-status-step-sets/status-step-sets:batch-get",
        Method::Post,
        &["includeInherited"],
    ),
    read(
        "status-step-sets",
        "/v1/projects/{}/status-step-sets",
        Method::Get,
        SETTINGS_LIST,
    ),
    read(
        "status-step-sets:batch-get",
        "/v1/projects/{}/status-step-sets:batch-get",
        Method::Post,
        &["includeDeleted"],
    ),
    read(
        "asset-statuses",
        "/v1/projects/{}/asset-statuses",
        Method::Get,
        SETTINGS_LIST,
    ),
    read(
        "asset-statuses:batch-get",
        "/v1/projects/{}/asset-statuses:batch-get",
        Method::Post,
        &["includeDeleted"],
    ),
    read(
        "custom-attributes",
        "/v1/projects/{}/custom-attributes",
        Method::Get,
        SETTINGS_LIST,
    ),
    read(
        "custom-attributes:batch-get",
        "/v1/projects/{}/custom-attributes:batch-get",
        Method::Post,
        &["includeDeleted"],
    ),
    setting(
        "categories:create",
        "/v1/projects/{}/categories",
        Method::Post,
        WRITE_CREATE,
        &["includeUid"],
    ),
    setting(
        "categories/custom-attributes:assign",
        "/v1/projects/{}/categories/{}/custom-attributes/{}",
        Method::Put,
        WRITE,
        &["includeInherited"],
    ),
    setting(
        "categories/status-step-set:assign",
        "/v1/projects/{}/categories/{}/status-step-set/{}",
        Method::Put,
        WRITE,
        &[],
    ),
    setting(
        "status-step-sets:create",
        "/v1/projects/{}/status-step-sets",
        Method::Post,
        WRITE_CREATE,
        &["renameConflicting"],
    ),
    setting(
        "asset-statuses:create",
        "/v1/projects/{}/asset-statuses",
        Method::Post,
        WRITE_CREATE,
        &[],
    ),
    setting(
        "custom-attributes:create",
        "/v1/projects/{}/custom-attributes",
        Method::Post,
        WRITE_CREATE,
        &["renameConflicting"],
    ),
    setting(
        "custom-attributes:patch",
        "/v1/projects/{}/custom-attributes/{}",
        Method::Patch,
        WRITE,
        &[],
    ),
    open("error-codes", "/v1/error-codes"),
    open("error-codes/name", "/v1/error-codes/{}"),
    relationship(
        "relationships:search",
        "/containers/{}/relationships:search",
        Method::Get,
        READ,
        None,
        &[
            "domain",
            "type",
            "id",
            "withDomain",
            "withType",
            "withId",
            "createdAfter",
            "createdBefore",
            "includeDeleted",
            "onlyDeleted",
            "pageLimit",
            "continuationToken",
        ],
    ),
    relationship(
        "relationships:batch",
        "/containers/{}/relationships:batch",
        Method::Post,
        READ,
        Some(50),
        &[],
    ),
    relationship(
        "relationships/id",
        "/containers/{}/relationships/{}",
        Method::Get,
        READ,
        None,
        &[],
    ),
    relationship(
        "relationships",
        "/containers/{}/relationships",
        Method::Put,
        WRITE_CREATE,
        Some(20),
        &[],
    ),
    relationship(
        "relationships:delete",
        "/containers/{}/relationships:delete",
        Method::Post,
        WRITE,
        Some(50),
        &[],
    ),
    // The path has no container id. Any query parameters are accepted, because the reference page lists no
    // 400.
    relationship(
        "relationships:writable",
        "/utility/relationships:writable",
        Method::Get,
        READ,
        None,
        &["*"],
    ),
    // See the "GET nodes" reference pages for ACC and BIM 360.
    locations(
        "locations",
        "/projects/{}/trees/default/nodes",
        Service::Locations,
    ),
    locations(
        "locations/container",
        "/containers/{}/trees/default/nodes",
        Service::LocationContainers,
    ),
];

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A string that contains an integer.
    IntegerText,
    Uuid,
    /// An object that maps attribute names to values.
    Attributes,
    Flag,
    /// A maximum length in characters, from 1 to `ATTRIBUTE_TEXT_LENGTH`.
    Length,
    /// An array of non-empty labels.
    Labels,
    /// An array of statuses to create.
    Statuses,
    /// The name of one of the six types of custom attributes.
    DataType,
    /// A default value of the attribute's type. Null means no default.
    Default,
}

/// A field that a client may write.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub max_length: Option<usize>,
}

const fn field(name: &'static str, kind: Kind, required: bool, max_length: Option<usize>) -> Field {
    Field {
        name,
        kind,
        required,
        max_length,
    }
}

/// The fields of a new asset: `NewAssetV2` on the "POST assets:batch-create" reference page. A patch has the
/// same fields, but none is required.
pub const ASSET_FIELDS: &[Field] = &[
    field("clientAssetId", Kind::Text, true, None),
    field("categoryId", Kind::IntegerText, true, None),
    field("statusId", Kind::Uuid, true, None),
    field("description", Kind::Text, false, Some(1000)),
    field("locationId", Kind::Uuid, false, None),
    field("barcode", Kind::Text, false, None),
    field("customAttributes", Kind::Attributes, false, None),
];

/// The fields of a new category ("POST categories" reference page, "Create settings" tutorial).
pub const CATEGORY_FIELDS: &[Field] = &[
    field("name", Kind::Text, true, None),
    field("parentId", Kind::IntegerText, true, None),
    field("description", Kind::Text, false, None),
];

/// The maximum number of category levels below ROOT ("Assets field guide").
pub const CATEGORY_DEPTH: usize = 10;

/// The maximum length of a status set's name and of a custom attribute's display name ("POST
/// status-step-sets" and "POST custom-attributes" reference pages).
pub const NAME_LENGTH: usize = 100;

/// The fields of a new status set ("POST status-step-sets" reference page).
pub const STATUS_SET_FIELDS: &[Field] = &[
    field("name", Kind::Text, true, Some(NAME_LENGTH)),
    field("description", Kind::Text, false, Some(500)),
    field("values", Kind::Statuses, true, None),
];

/// The fields of each status in a new status set ("POST status-step-sets" reference page).
pub const STATUS_VALUE_FIELDS: &[Field] = &[
    field("label", Kind::Text, true, None),
    field("description", Kind::Text, false, None),
    field("color", Kind::Text, false, None),
];

/// The fields of a status that is added to an existing set ("POST asset-statuses" reference page).
pub const STATUS_FIELDS: &[Field] = &[
    field("label", Kind::Text, true, None),
    field("statusStepSetId", Kind::Uuid, true, None),
    field("description", Kind::Text, false, None),
    field("color", Kind::Text, false, None),
];

/// The fields of a new custom attribute ("POST custom-attributes" reference page). A patch has the same
/// fields, but none is required.
pub const ATTRIBUTE_FIELDS: &[Field] = &[
    field("displayName", Kind::Text, true, Some(NAME_LENGTH)),
    field("dataType", Kind::DataType, true, None),
    field("requiredOnIngress", Kind::Flag, true, None),
    field("description", Kind::Text, false, Some(1000)),
    field("enumValues", Kind::Labels, false, None),
    field("maxLengthOnIngress", Kind::Length, false, None),
    field("defaultValue", Kind::Default, false, None),
];

/// The maximum length of a text value of a custom attribute ("POST assets:batch-create" reference page).
pub const ATTRIBUTE_TEXT_LENGTH: usize = 250;

/// The default number of rows per page. `PAGE_MOST` is the maximum ("GET assets" reference page).
pub const PAGE_DEFAULT: usize = 25;
pub const PAGE_MOST: usize = 200;
/// The default and maximum number of relationships per page ("GET relationships:search" reference page).
pub const RELATIONSHIP_PAGE_MOST: usize = 100;
/// The maximum number of tiers in the location tree, including the root ("Locations field guide").
pub const LOCATION_TIERS: usize = 20;
/// The maximum length of a location's name or barcode ("GET nodes" reference page).
pub const LOCATION_TEXT_LENGTH: usize = 255;
/// The maximum number of nodes in a Locations API response and in a location tree ("GET nodes" reference
/// page).
pub const LOCATION_PAGE_MOST: usize = 10_000;

/// The domain and type of an entity.
pub type EntityKind = (&'static str, &'static str);

/// The pairs of entity types that may be linked ("GET relationships:writable" reference page and tutorial).
pub const WRITABLE: &[(EntityKind, EntityKind)] = &[
    (
        ("autodesk-bim360-asset", "asset"),
        ("autodesk-bim360-documentmanagement", "documentlineage"),
    ),
    (
        ("autodesk-bim360-asset", "asset"),
        ("autodesk-construction-photo", "photo"),
    ),
    (
        ("autodesk-bim360-asset", "asset"),
        ("autodesk-construction-form", "form"),
    ),
    (
        ("autodesk-bim360-asset", "category"),
        ("autodesk-construction-form", "formtemplate"),
    ),
    (
        ("autodesk-construction-photo", "photo"),
        ("autodesk-construction-form", "form"),
    ),
    (
        ("autodesk-construction-photo", "photo"),
        ("autodesk-construction-form", "formfield"),
    ),
];

/// The error codes, each with its name, usual HTTP status, metadata keys and description.
///
/// Only the first three codes are publicly known. The other codes are invented, because the real list is
/// available only from the service itself.
pub const ERROR_CODES: &[(&str, u16, &[&str], &str)] = &[
    (
        "FIELD_EXCEEDS_MAX_LENGTH",
        400,
        &["fieldName", "maxStringLength"],
        "A text is longer than the field allows.",
    ),
    (
        "DUPLICATE_STATUS_SET_NAME",
        409,
        &["conflictingEntities"],
        "The project already has a status set with this name.",
    ),
    (
        "DUPLICATE_CATEGORY_NAME",
        409,
        &[],
        "The parent has a category of this name.",
    ),
    (
        "DUPLICATE_STATUS_LABEL",
        409,
        &["fieldName"],
        "Invented: the status set has a status of this label.",
    ),
    (
        "DUPLICATE_CUSTOM_ATTRIBUTE_NAME",
        409,
        &["conflictingEntities"],
        "Invented: the project has a custom attribute of this display name.",
    ),
    (
        "CATEGORY_TOO_DEEP",
        400,
        &["fieldName"],
        "Invented: the parent is at the lowest level of categories.",
    ),
    (
        "STATUS_SET_NOT_FOUND",
        400,
        &["fieldName"],
        "Invented: the project has no such active status set.",
    ),
    (
        "STATUS_SET_IN_USE",
        409,
        &[],
        "Invented: assets of the category have statuses of its current set.",
    ),
    (
        "DEFAULT_STATUS_SET_FIXED",
        409,
        &[],
        "Invented: the status set of ROOT cannot be replaced.",
    ),
    (
        "CUSTOM_ATTRIBUTE_IN_USE",
        400,
        &["fieldName"],
        "Invented: the type of an attribute used by assets cannot change.",
    ),
    (
        "ENUM_VALUE_REMOVED",
        400,
        &["fieldName"],
        "Invented: a value of a select attribute cannot be removed.",
    ),
    (
        "VALIDATION_FAILED",
        400,
        &[],
        "Invented: at least one item of the batch is invalid; nothing was applied.",
    ),
    (
        "MALFORMED_REQUEST",
        400,
        &[],
        "Invented: the body is not the expected JSON.",
    ),
    (
        "INVALID_PARAMETER",
        400,
        &["fieldName"],
        "Invented: a query parameter has a bad value.",
    ),
    ("BATCH_EMPTY", 400, &[], "Invented: the batch has no items."),
    (
        "BATCH_TOO_LARGE",
        400,
        &["maxItems"],
        "Invented: the batch has too many items.",
    ),
    (
        "DUPLICATE_ID",
        400,
        &["index"],
        "Invented: an id is a duplicate within the batch.",
    ),
    (
        "REQUIRED_FIELD_MISSING",
        400,
        &["fieldName"],
        "Invented: a required field is missing.",
    ),
    (
        "INVALID_FIELD_VALUE",
        400,
        &["fieldName"],
        "Invented: a field has the wrong type or an impossible value.",
    ),
    (
        "UNKNOWN_FIELD",
        400,
        &["fieldName"],
        "Invented: the body has a field that cannot be set.",
    ),
    (
        "CATEGORY_NOT_FOUND",
        400,
        &["fieldName"],
        "Invented: the project has no such category.",
    ),
    (
        "CATEGORY_INACTIVE",
        400,
        &["fieldName"],
        "Invented: assets cannot be assigned to an inactive category.",
    ),
    (
        "STATUS_NOT_IN_CATEGORY",
        400,
        &["fieldName"],
        "Invented: the status is not in the category's status set.",
    ),
    (
        "LOCATION_NOT_FOUND",
        400,
        &["fieldName"],
        "Invented: the project has no such location.",
    ),
    (
        "CUSTOM_ATTRIBUTE_NOT_ASSIGNED",
        400,
        &["fieldName"],
        "Invented: the attribute is not assigned to the category.",
    ),
    (
        "INVALID_CUSTOM_ATTRIBUTE_VALUE",
        400,
        &["fieldName", "dataType"],
        "Invented: the value does not fit the attribute.",
    ),
    (
        "REQUIRED_CUSTOM_ATTRIBUTE_MISSING",
        400,
        &["fieldName"],
        "Invented: the category requires this attribute.",
    ),
    (
        "DUPLICATE_BARCODE",
        409,
        &["fieldName"],
        "Invented: another asset has this barcode.",
    ),
    (
        "ASSET_NOT_FOUND",
        400,
        &["id"],
        "Invented: the project has no such asset.",
    ),
    ("ASSET_DELETED", 400, &["id"], "Invented: the asset was deleted."),
    (
        "CONFLICT",
        409,
        &[],
        "Invented: the request conflicts with the current state.",
    ),
    (
        "NOT_FOUND",
        404,
        &[],
        "Invented: the project, entity or path does not exist.",
    ),
    (
        "FORBIDDEN",
        403,
        &[],
        "Invented: the user may not use this project.",
    ),
    (
        "TOO_MANY_REQUESTS",
        429,
        &[],
        "Invented: the rate limit of the service itself, if any.",
    ),
];

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
